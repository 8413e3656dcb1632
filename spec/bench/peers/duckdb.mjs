/* DuckDB, one thread: node duckdb.mjs plain|coded DATABASE CSV
   plain  one table, sessions told by their text
   coded  what our store does too: sessions told by a dense integer, their text in a table of its own */
import { statSync } from "node:fs";
import * as q from "./questions.mjs";
import { load, require, serve } from "./worker.mjs";

const [shape, database, csv] = process.argv.slice(2);
const { DuckDBInstance } = require("@duckdb/node-api");
const connection = await (await DuckDBInstance.create(database)).connect();

function plainValue(value) {
  if (typeof value === "bigint") return Number(value);
  return value?.items ? value.items : value;
}

async function ask(sql) {
  const reader = await connection.runAndReadAll(sql);
  return reader.getRows().map((row) => row.map(plainValue));
}

/* ----------------------------------------------------------------------------------------------- loading */

const columns = `{request_id: 'VARCHAR', organization_id: 'VARCHAR', project: 'VARCHAR', session_id: 'VARCHAR',
  session_name: 'VARCHAR', user_id: 'VARCHAR', model: 'VARCHAR', provider: 'VARCHAR', error: 'VARCHAR',
  created_at: 'BIGINT', latency_ms: 'INTEGER', time_to_first_token_ms: 'INTEGER', status: 'SMALLINT',
  prompt_tokens: 'INTEGER', completion_tokens: 'INTEGER', cost: 'BIGINT', streamed: 'TINYINT', feature: 'VARCHAR',
  env: 'VARCHAR', plan: 'VARCHAR', quality: 'DOUBLE'}`;
const file = `read_csv('${csv}', header = true, auto_detect = false, delim = ',', columns = ${columns})`;

/* Codes follow the order of ties, so that ordering by the code is ordering by the text. */
const fills = {
  plain: [`CREATE TABLE request AS FROM ${file}`],
  coded: [
    `CREATE TABLE session AS SELECT (row_number() OVER (ORDER BY session_id, project, organization_id))::INTEGER AS code,
       organization_id, project, session_id FROM (SELECT DISTINCT organization_id, project, session_id FROM ${file})`,
    `CREATE TABLE request AS SELECT session.code, f.* EXCLUDE (organization_id, project, session_id)
       FROM ${file} AS f JOIN session USING (organization_id, project, session_id)`,
  ],
};

async function fill() {
  for (const sql of [...fills[shape], "CHECKPOINT"]) await ask(sql);
}

/* ------------------------------------------------------------------------------------------------- forms */

const matches = (field, needle) => `contains(lower(${field}), lower(${needle}))`;

const shapes = {
  plain: {
    key: "organization_id, project, session_id",
    ties: "session_id, project, organization_id",
    whole: (sessions, order) => `SELECT * FROM (${sessions}) ORDER BY ${order} DESC NULLS LAST, session_id, project, organization_id`,
    idMatches: (needle) => matches("session_id", needle),
    candidates: (needle) => `WHERE ${matches("session_name", needle)} OR ${matches("session_id", needle)}`,
    one: q.session,
  },
  coded: {
    key: "code",
    ties: "code",
    whole: (sessions, order) => `SELECT organization_id, project, session_id, top.* EXCLUDE (code)
      FROM (${sessions}) AS top JOIN session USING (code) ORDER BY ${order} DESC NULLS LAST, code`,
    idMatches: (needle) => `code IN (SELECT code FROM session WHERE ${matches("session_id", needle)})`,
    candidates: (needle) => `WHERE ${matches("session_name", needle)}
      UNION ALL SELECT code FROM session WHERE ${matches("session_id", needle)}`,
    one: (p) => `code = (SELECT code FROM session WHERE ${q.session(p)})`,
  },
};
const { key, ties, whole, idMatches, candidates, one } = shapes[shape];

const name = "coalesce(arg_max(session_name, created_at), '')";
const search = (needle) => `${matches(name, needle)} OR ${idMatches(needle)}`;
const sums = `${name} AS name, min(created_at) AS created, max(created_at) AS latest, sum(cost) AS total_cost,
  count(*) AS requests, sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS completion_tokens,
  ${q.total_tokens} AS total_tokens, avg(latency_ms) AS latency,
  coalesce(list(DISTINCT user_id) FILTER (user_id IS NOT NULL), []) AS users`;
const ranks = `sum(cost) AS total_cost, count(*) AS requests, quantile_disc(latency_ms, 0.5) AS p50,
  quantile_disc(latency_ms, 0.99) AS p99,
  count(*) FILTER (${q.failed}) / nullif(count(*) FILTER (${q.tried}), 0) AS error_rate, count(DISTINCT user_id) AS users`;
const measures = {
  latest: "max(created_at)", created: "min(created_at)", total_cost: "sum(cost)", p99: "quantile_disc(latency_ms, 0.99)",
};

const grouped = (fields, from, having, order) => `SELECT ${key}${fields} FROM request ${from} GROUP BY ${key}
  HAVING ${having} ORDER BY ${order} DESC NULLS LAST, ${ties} LIMIT 50`;

/* All fields of all sessions, then the first 50. */
const plain = (fields, where, having, order) => ask(whole(grouped(`, ${fields}`, `WHERE ${where}`, having, order), order));

/* The 50 by what decides alone, then their fields. */
const late = (fields, where, having, order) =>
  ask(`WITH winners AS MATERIALIZED (${grouped("", `WHERE ${where}`, having, measures[order])})
    ${whole(grouped(`, ${fields}`, `SEMI JOIN winners USING (${key}) WHERE ${where}`, "true", order), order)}`);

/* The newest rows, more and more of them until they are of 50 sessions; then these sessions' fields. */
async function early(fields, where, order) {
  for (let rows = 1000; ; rows *= 10) {
    const newest = `SELECT ${key}, created_at FROM request WHERE ${where} ORDER BY created_at DESC LIMIT ${rows}`;
    await ask(`CREATE OR REPLACE TEMP TABLE winners AS SELECT ${key}, max(created_at) AS latest, sum(count(*)) OVER () AS seen
      FROM (${newest}) GROUP BY ${key} ORDER BY latest DESC, ${ties} LIMIT 50`);
    const [[found, seen]] = await ask("SELECT count(*), any_value(seen) FROM winners");
    if (found === 50 || (seen ?? 0) < rows) break;
  }
  return ask(whole(grouped(`, ${fields}`, `SEMI JOIN winners USING (${key}) WHERE ${where}`, "true", order), order));
}

/* The sessions with a matching name on any row or with a matching id are few; the latest name decides among them. */
const among = (needle) =>
  ask(`WITH winners AS MATERIALIZED (SELECT ${key} FROM request ${candidates(needle)})
    ${whole(grouped(`, ${sums}`, `SEMI JOIN winners USING (${key})`, search(needle), "latest"), "latest")}`);

const questions = {
  Q9: {
    plain: async (p) => [
      ...(await plain(sums, one(p), "true", "latest")),
      ...(await ask(`SELECT ${q.request} FROM request WHERE ${one(p)} ORDER BY created_at DESC, request_id`)),
    ],
  },
};
for (const [id, { where, having, order, early: ends }] of Object.entries(q.lists)) {
  questions[id] = {
    plain: (p) => plain(sums, where(p), having(p), order),
    late: (p) => late(sums, where(p), having(p), order),
    ...(ends && { early: (p) => early(sums, where(p), order) }),
  };
}
for (const [id, needle] of Object.entries(q.searches)) {
  questions[id] = {
    plain: (p) => plain(sums, "true", search(needle(p)), "latest"),
    late: (p) => among(needle(p)),
  };
}
for (const [id, order] of Object.entries(q.rankings)) {
  questions[id] = {
    plain: () => plain(ranks, "true", "true", order),
    late: () => late(ranks, "true", "true", order),
  };
}
for (const [id, where] of Object.entries(q.counts)) {
  questions[id] = { plain: (p) => ask(`SELECT count(*) FROM (SELECT DISTINCT ${key} FROM request WHERE ${where(p)})`) };
}

await ask("SET threads = 1");
const loaded = await load(database, fill);
await serve(loaded, statSync(database).size, questions);
