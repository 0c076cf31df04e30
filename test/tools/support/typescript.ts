import ts from 'typescript';

/** The statements of a TypeScript text. Throws when it does not parse. */
export function parseStatements(text: string): string[] {
  const file = ts.createSourceFile('declarations.ts', text, ts.ScriptTarget.Latest, true);
  const { parseDiagnostics } = file as unknown as { parseDiagnostics: ts.DiagnosticWithLocation[] };
  if (parseDiagnostics.length > 0) {
    const [first] = parseDiagnostics;
    const message = ts.flattenDiagnosticMessageText(first!.messageText, '\n');
    throw new Error(
      `${message} at ${first!.start}: ${text.slice(Math.max(0, first!.start - 80), first!.start + 80)}`,
    );
  }
  return file.statements.map((statement) =>
    ts.isVariableStatement(statement) ? 'VariableStatement' : String(ts.SyntaxKind[statement.kind]),
  );
}

/** Type errors of a declaration text, checked alone with the standard library. */
export function typeErrors(text: string): string[] {
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es5.d.ts'],
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (name, ...rest) =>
    name === 'declarations.ts'
      ? ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true)
      : getSourceFile(name, ...rest);
  const program = ts.createProgram(['declarations.ts'], options, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}
