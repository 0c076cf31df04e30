/** What the program exits with. */
export const EXIT = {
  completed: 0,
  failed: 1,
  usage: 2,
  limit: 124,
  interrupted: 130,
  brokenPipe: 141,
} as const;
