// Loaded before the entry file of a forked host process: gives it the `process.parentPort` of Electron's utilityProcess.
const send = process.send.bind(process);
process.parentPort = {
  on: (_event, listener) => process.on('message', (data) => listener({ data })),
  postMessage: (message) => send(message),
};
process.send = undefined;
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
