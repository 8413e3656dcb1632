/* The dialogue with the driver: a JSON command a line on stdin, a JSON answer a line on stdout.
     {"query":"Q3","form":"late","runs":2,"parameters":{…}}  ->  {"ms":[…],"rows":[[…],…]}
     {"query":"Q3"}                                          ->  {"forms":["plain","late"]}
     {"quit":true}
   A form is one way to ask the question: an async function of the parameters that gives rows. */
import { existsSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

/* The packages lie under build/, away from the sources. */
export const require = createRequire(join(process.cwd(), "build/bench/peers/"));

const say = (answer) => process.stdout.write(JSON.stringify(answer) + "\n");

/* Loads once: a file beside the database says that it is whole. */
export async function load(database, fill) {
  const done = database + ".done";
  const start = performance.now();
  const kept = existsSync(done);
  if (!kept) {
    await fill();
    writeFileSync(done, "");
  }
  return { kept, seconds: (performance.now() - start) / 1000 };
}

async function run({ runs, parameters }, form) {
  const ms = [];
  let rows;
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    rows = await form(parameters);
    ms.push(performance.now() - start);
  }
  return { ms, rows };
}

async function answer(command, questions) {
  const forms = questions[command.query] ?? {};
  if (!command.form) return { forms: Object.keys(forms) };
  if (!forms[command.form]) return { error: `no form ${command.form} of ${command.query}` };
  return run(command, forms[command.form]);
}

export async function serve(loaded, bytes, questions) {
  say({ ...loaded, bytes });
  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    if (command.quit) break;
    say(await answer(command, questions).catch((error) => ({ error: String(error) })));
  }
  process.exit(); // else the open stdin keeps it alive
}
