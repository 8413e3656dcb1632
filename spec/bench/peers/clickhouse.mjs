/* ClickHouse in this process (chdb), one thread: node clickhouse.mjs plain DATABASE CSV */
import * as q from "./questions.mjs";
import { load, require, serve } from "./worker.mjs";

const [, database, csv] = process.argv.slice(2);
const { Session } = require("chdb");
const chdb = new Session(database);
const settings = "SETTINGS max_threads = 1, output_format_json_quote_64bit_integers = 0";

async function ask(sql) {
  const lines = chdb.query(`${sql} ${settings}`, "JSONCompactEachRow");
  return lines.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

/* ----------------------------------------------------------------------------------------------- loading */

const columns = `request_id String, organization_id LowCardinality(String), project LowCardinality(String), session_id String,
  session_name LowCardinality(Nullable(String)), user_id Nullable(String), model LowCardinality(Nullable(String)),
  provider LowCardinality(String), error LowCardinality(Nullable(String)), created_at Int64, latency_ms Nullable(Int32),
  time_to_first_token_ms Nullable(Int32), status Nullable(Int16), prompt_tokens Nullable(Int32),
  completion_tokens Nullable(Int32), cost Nullable(Int64), streamed Nullable(UInt8),
  feature LowCardinality(Nullable(String)), env LowCardinality(String), plan LowCardinality(String), quality Nullable(Float64)`;

/* By time, as one lays out what is asked about by time, with a filter to find a session's granules by. */
function fill() {
  chdb.query("CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic");
  chdb.query("DROP TABLE IF EXISTS bench.request SYNC");
  chdb.query(`CREATE TABLE bench.request (${columns}, INDEX sessions session_id TYPE bloom_filter GRANULARITY 1)
    ENGINE = MergeTree ORDER BY created_at`);
  chdb.query(`INSERT INTO bench.request SELECT * FROM file('${csv}', 'CSVWithNames', '${columns}')
    SETTINGS format_csv_null_representation = '', max_insert_threads = 1`);
  chdb.query("OPTIMIZE TABLE bench.request FINAL");
}

/* ------------------------------------------------------------------------------------------------- forms */

const key = "organization_id, project, session_id";
const ties = "session_id, project, organization_id";
const name = "ifNull(argMax(session_name, created_at), '')";
const sums = `${name} AS name, min(created_at) AS created, max(created_at) AS latest, sum(cost) AS total_cost,
  count() AS requests, sum(prompt_tokens), sum(completion_tokens), ${q.total_tokens}, avg(latency_ms),
  groupUniqArray(user_id)`;

/* quantileExact takes the floor(level * n)-th from 0; nearest rank is ceil(level * n) from 1: the same, but where
   level * n is whole. A level a little lower mends that. */
const ranks = `sum(cost) AS total_cost, count() AS requests, quantileExact(0.499999999)(latency_ms) AS p50,
  quantileExact(0.989999999)(latency_ms) AS p99,
  if(countIf(${q.tried}) = 0, NULL, countIf(${q.failed}) / countIf(${q.tried})) AS error_rate, uniqExact(user_id)`;
const measures = {
  latest: "max(created_at)", created: "min(created_at)", total_cost: "sum(cost)", p99: "quantileExact(0.989999999)(latency_ms)",
};

const grouped = (fields, where, having, order) => `SELECT ${key}${fields} FROM bench.request WHERE ${where} GROUP BY ${key}
  HAVING ${having} ORDER BY ${order} DESC NULLS LAST, ${ties} LIMIT 50`;

const plain = (fields, where, having, order) => ask(grouped(`, ${fields}`, where, having, order));
const among = (fields, where, winners, having, order) =>
  ask(grouped(`, ${fields}`, `${where} AND (${key}) IN (${winners})`, having, order));
const late = (fields, where, having, order) =>
  among(fields, where, grouped("", where, having, measures[order]), "true", order);

/* LIMIT BY goes along the newest rows and stops at the fiftieth session. The filter on session_id alone is what the
   index of granules understands. */
async function early(fields, where, order) {
  const winners = await ask(`SELECT ${key} FROM bench.request WHERE ${where} ORDER BY created_at DESC LIMIT 1 BY ${key} LIMIT 50`);
  if (winners.length === 0) return [];
  const list = winners.map((w) => `('${w.join("', '")}')`).join(", ");
  const ids = winners.map((w) => `'${w[2]}'`).join(", ");
  return among(fields, `session_id IN (${ids}) AND ${where}`, list, "true", order);
}

const matches = (field, needle) => `positionCaseInsensitive(ifNull(${field}, ''), ${needle}) > 0`;
const search = (needle) => `${matches("name", needle)} OR ${matches("session_id", needle)}`;
const candidates = (needle) =>
  among(sums, "true", `SELECT ${key} FROM bench.request WHERE ${matches("session_name", needle)} OR ${matches("session_id", needle)}`,
    search(needle), "latest");

const questions = {
  Q9: {
    plain: async (p) => [
      ...(await plain(sums, q.session(p), "true", "latest")),
      ...(await ask(`SELECT ${q.request} FROM bench.request WHERE ${q.session(p)} ORDER BY created_at DESC, request_id`)),
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
    late: (p) => candidates(needle(p)),
  };
}
for (const [id, order] of Object.entries(q.rankings)) {
  questions[id] = {
    plain: () => plain(ranks, "true", "true", order),
    late: () => late(ranks, "true", "true", order),
  };
}
for (const [id, where] of Object.entries(q.counts)) {
  questions[id] = { plain: (p) => ask(`SELECT count() FROM (SELECT DISTINCT ${key} FROM bench.request WHERE ${where(p)})`) };
}

const loaded = await load(database, fill);
const [[bytes]] = await ask("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'bench'");
await serve(loaded, bytes, questions);
