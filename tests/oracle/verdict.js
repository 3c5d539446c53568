// The official analyser's verdicts on queries, over the tables and functions of our own schema.
//
//   node verdict.js FOLDER < queries > verdicts
//
// FOLDER holds node_modules with the official package. A query is a JSON string a line; a verdict is a
// JSON object a line: ok, errors and warnings (code, message, start, length, line), columns.
'use strict';
const fs = require('fs');
const path = require('path');

const library = path.join(path.resolve(process.argv[2]), 'node_modules/@kusto/language-service-next');
require(path.join(library, 'bridge.min.js'));
require(path.join(library, 'Kusto.Language.Bridge.min.js'));
const { Symbols, GlobalState, KustoCode } = Kusto.Language;

const schema = path.join(__dirname, '../../src/rules/kql/schema');
const lines = (name) =>
  fs.readFileSync(path.join(schema, name), 'utf8').split('\n')
    .filter((line) => line && !line.startsWith('#')).map((line) => line.split('\t'));

function all(collection) {
  const found = [];
  if (!collection) return found;
  const each = Bridge.getEnumerator(collection);
  while (each.moveNext()) found.push(each.Current);
  return found;
}

// A table begins with a line of @; its columns follow.
function tables() {
  const found = [];
  for (const [first, second] of lines('defender.tsv')) {
    if (first === '@') found.push({ name: second, columns: [] });
    else if (found.length) found[found.length - 1].columns.push(`['${first}']:${second}`);
  }
  return found.map((t) => new Symbols.TableSymbol.$ctor7(t.name, `(${t.columns.join(', ')})`, null));
}

const empty = (type) => (type === 'string' ? '""' : type === 'dynamic' ? 'dynamic(null)' : `${type}(null)`);

// Parts a list at the commas outside parentheses.
function parts(list) {
  const found = [''];
  let depth = 0;
  for (const c of list || '') {
    depth += c === '(' ? 1 : c === ')' ? -1 : 0;
    if (c === ',' && depth === 0) found.push('');
    else found[found.length - 1] += c;
  }
  return found.filter(Boolean);
}

function parameter(text) {
  if (text.startsWith('T:')) return 'T:(*)';
  const [, name, type, given, value] = text.match(/^(\w+):(\w+)(=(.*))?$/);
  const meant = value ? (type === 'string' ? JSON.stringify(value) : value) : empty(type);
  return `${name}:${type}${given === undefined ? '' : `=${meant}`}`;
}

function functions() {
  return lines('functions.tsv').map(([name, params, , columns]) => {
    const made = parts(columns).map((c) => c.split(':')).map(([n, type]) => `${n}=${empty(type)}`).join(', ');
    const piped = params.startsWith('T:');
    const body = piped ? (made ? `T | extend ${made}` : 'T') : `print ${made}`;
    return new Symbols.FunctionSymbol.$ctor16(name, `(${parts(params).map(parameter).join(', ')})`, `{ ${body} }`, null);
  });
}

const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor('db', [...tables(), ...functions()]));

function verdict(query) {
  const code = KustoCode.ParseAndAnalyze(query, globals);
  const told = all(code.GetDiagnostics()).map((d) => ({
    severity: d.Severity, code: d.Code, message: d.Message, start: d.Start, length: d.Length,
    line: query.slice(0, d.Start).split('\n').length,
  }));
  const errors = told.filter((d) => d.severity === 'Error');
  const result = code.ResultType;
  return {
    ok: errors.length === 0,
    errors,
    warnings: told.filter((d) => d.severity !== 'Error'),
    columns: result && result.Columns ? all(result.Columns).map((c) => [c.Name, c.Type ? c.Type.Name : '?']) : null,
  };
}

for (const line of fs.readFileSync(0, 'utf8').split('\n')) {
  if (line) console.log(JSON.stringify(verdict(JSON.parse(line))));
}
