/**
 * Print the functions that have more lines than is allowed, one a line.
 *
 *     node long_functions.js PATH_OF_TYPESCRIPT LINES FILE...
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [compiler, most, ...files] = process.argv.slice(2);
const ts = createRequire(import.meta.url)(compiler);

for (const file of files) {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
  const line = (/** @type {number} */ at) => source.getLineAndCharacterOfPosition(at).line + 1;
  const visit = (/** @type {any} */ node) => {
    const lines = line(node.end) - line(node.getStart()) + 1;
    if (ts.isFunctionLike(node) && node.body && lines > Number(most)) {
      console.log(`${file}:${line(node.getStart())} ${node.name?.text ?? "(no name)"}: ${lines} lines`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}
