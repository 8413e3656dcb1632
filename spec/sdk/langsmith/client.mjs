// LangSmith's own client, unmodified, against a gateway: what it is asked for here it asks of us, and each value that comes
// back is compared. Its last line is how many were. spec/langsmith_sdk_spec.lua starts it with
//   ENDPOINT  of the gateway          KEY, OTHER_KEY  keys of two organizations, of which the first is TENANT, a UUID
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { Client, RunTree } from "langsmith";
import { traceable } from "langsmith/traceable";

const { ENDPOINT, KEY, OTHER_KEY, TENANT } = process.env;
process.env.LANGSMITH_TRACING = "true";

let count = 0;
function same(actual, expected, what) {
  count += 1;
  assert.deepEqual(actual, expected, what);
}
async function fails(promise, name, part) {
  count += 1;
  await assert.rejects(promise, (error) => {
    assert.equal(error.name, name);
    assert.match(error.message, part);
    return true;
  });
}
async function all(iterable) {
  const list = [];
  for await (const item of iterable) list.push(item);
  return list;
}
const names = (runs) => runs.map((run) => run.name).sort();
const no_errors = [];
console.error = (...words) => no_errors.push(words.join(" ")); // the client tells there what it could not send

const sent = []; // requests, as they went out
const spy = async (url, init) => {
  sent.push(`${init?.method ?? "GET"} ${new URL(url).pathname}`);
  return fetch(url, init);
};
const client_of = (more) => new Client({ apiUrl: ENDPOINT, apiKey: KEY, fetchImplementation: spy, ...more });
const client = client_of({ workspaceId: TENANT });
const other = client_of({ apiKey: OTHER_KEY });
const project_name = `agent ${randomUUID()}`;

// -------------------------------------------------------------------------------------------------- projects

const made = await client.createProject({ projectName: project_name, description: "of the test", metadata: { env: "ci", build: 7 }, projectExtra: { owner: "us" } });
same(made.name, project_name);
same(made.tenant_id, TENANT);
same(made.description, "of the test");
same(made.extra, { owner: "us", metadata: { env: "ci", build: 7 } });
await fails(client.createProject({ projectName: project_name }), "LangSmithConflictError", /409/);
same((await client.createProject({ projectName: project_name, upsert: true, description: "again", metadata: { env: "ci", build: 7 } })).id, made.id);
same((await client.readProject({ projectName: project_name })).id, made.id);
same((await client.readProject({ projectId: made.id })).description, "again");
same(await client.hasProject({ projectName: project_name }), true);
same(await client.hasProject({ projectName: `${project_name} not` }), false);
same(await client.hasProject({ projectId: made.id }), true);
await fails(client.readProject({ projectName: "none at all" }), "Error", /not found/);
await fails(client.readProject({ projectId: randomUUID() }), "LangSmithNotFoundError", /404/);

// ---------------------------------------------------------------------------------------------------- tracing

const model = traceable(
  async (question) => ({
    answer: `It is ${question}.`,
    usage_metadata: { input_tokens: 10, output_tokens: 5, total_tokens: 15, input_cost: 0.001, output_cost: 0.002, total_cost: 0.003 },
  }),
  { name: "model", run_type: "llm", metadata: { ls_provider: "openai", ls_model_name: "gpt-4o-mini" }, tags: ["fast"] },
);
const stream = traceable(
  async function* (words) {
    for (const word of words) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      yield word;
    }
  },
  { name: "stream", run_type: "llm" },
);
const broken = traceable(
  async () => {
    throw new Error("the tool is broken");
  },
  { name: "broken", run_type: "tool" },
);
const agent_of = (metadata) =>
  traceable(
    async (question) => {
      const said = await model(question);
      const words = [];
      for await (const word of stream(["a", "b"])) words.push(word);
      await broken().catch(() => {});
      return { said: said.answer, words };
    },
    { name: "agent", run_type: "chain", project_name, client, tags: ["test", "agent"], metadata },
  );
same(await agent_of({ thread_id: "T1", turn: 1, nested: { deep: [1, { x: true }] } })("what?"), { said: "It is what?.", words: ["a", "b"] });
await agent_of({ session_id: "T1", turn: 2 })("and now?");
await agent_of({ conversation_id: "T2", turn: 1 })("else?");
await client.awaitPendingTraceBatches();
same(no_errors, []);
same(sent.filter((line) => line.includes("multipart")), []);
same(sent.filter((line) => line.endsWith("/info")).length, 1);
same(sent.some((line) => line.endsWith("/runs/batch")), true);

const projectName = project_name;
const roots = await all(client.listRuns({ projectName, isRoot: true, order: "asc" }));
same(names(roots), ["agent", "agent", "agent"]);
same(roots.map((run) => run.extra.metadata.turn), [1, 2, 1]);
same(roots.map((run) => run.status), ["success", "success", "success"]);
const root = await client.readRun(roots[0].id, { loadChildRuns: true });
same(root.session_id, made.id);
same(root.trace_id, root.id);
same(root.parent_run_id, null);
same(root.parent_run_ids, []);
same(root.inputs, { input: "what?" });
same(root.outputs, { said: "It is what?.", words: ["a", "b"] });
same(root.tags, ["test", "agent"]);
same(root.extra.metadata.nested, { deep: [1, { x: true }] });
same(root.extra.metadata.thread_id, "T1");
same(root.thread_id, "T1");
same(root.extra.runtime.sdk, "langsmith-js");
same(root.error, null);
same(root.dotted_order.endsWith(root.id), true);
same(new Date(root.end_time) >= new Date(root.start_time), true);
same(names(root.child_runs), ["broken", "model", "stream"]);
const [failed, llm, streamed] = root.child_runs.sort((a, b) => a.name.localeCompare(b.name));
same(failed.status, "error");
same(failed.error.includes("the tool is broken"), true);
same(failed.run_type, "tool");
same(llm.total_tokens, 15);
same(llm.prompt_tokens, 10);
same(llm.completion_tokens, 5);
same(llm.total_cost, "0.003");
same(llm.prompt_cost, "0.001");
same(llm.completion_cost, "0.002");
same(llm.parent_run_id, root.id);
same(llm.parent_run_ids, [root.id]);
same(llm.trace_id, root.id);
same(llm.extra.metadata.ls_model_name, "gpt-4o-mini");
same(llm.dotted_order.startsWith(`${root.dotted_order}.`), true);
same(streamed.outputs, { outputs: ["a", "b"] });
same(streamed.events.filter((event) => event.name === "new_token").length, 2);
same(new Date(streamed.first_token_time) >= new Date(streamed.start_time), true);

// ------------------------------------------------------------------------ runs by hand: one by one, and in a tree

const plain = client_of({ autoBatchTracing: false });
const by_hand = { id: randomUUID(), late: randomUUID() };
await plain.createRun({ id: by_hand.id, name: "by hand", run_type: "retriever", inputs: { n: 9007199254740991 }, project_name, start_time: 1700000000000, extra: { metadata: { k: "v" } } });
let read = await client.readRun(by_hand.id);
same(read.status, "pending");
same(read.start_time, "2023-11-14T22:13:20Z");
same(read.end_time, null);
same(read.trace_id, by_hand.id);
same(read.dotted_order, `20231114T221320000000Z${by_hand.id}`);
await plain.updateRun(by_hand.id, { outputs: { documents: [] }, end_time: "2023-11-14T22:13:21.250", extra: { metadata: { more: 1 } }, tags: ["late"] });
read = await client.readRun(by_hand.id);
same(read.status, "success");
same(read.end_time, "2023-11-14T22:13:21.250Z");
same(read.inputs, { n: 9007199254740991 });
same(read.outputs, { documents: [] });
same([read.extra.metadata.k, read.extra.metadata.more], ["v", 1]);
same(read.tags, ["late"]);
// an update that comes before its run is kept for it, and a run that is posted again loses nothing
await plain.updateRun(by_hand.late, { outputs: { x: 1 }, end_time: 1700000003000, session_name: project_name });
await fails(client.readRun(by_hand.late), "LangSmithNotFoundError", /Run not found/);
const late = { id: by_hand.late, name: "late", run_type: "chain", inputs: {}, start_time: 1700000001000 };
for (let i = 0; i < 2; i += 1) await plain.createRun({ ...late, project_name });
read = await client.readRun(by_hand.late);
same([read.status, read.outputs, read.end_time], ["success", { x: 1 }, "2023-11-14T22:13:23Z"]);
same((await client.runs.retrieve(by_hand.late, { project_id: made.id, selects: ["LATENCY_SECONDS"] })).latency_seconds, 2);

const tree = new RunTree({ name: "tree", run_type: "chain", inputs: { a: 1 }, project_name, client, tags: ["tree"] });
await tree.postRun();
const branch = tree.createChild({ name: "branch", run_type: "tool", inputs: { b: 2 } });
await branch.postRun();
await branch.end({ c: 3 });
await branch.patchRun();
await tree.end(undefined, "it fell");
await tree.patchRun();
await client.awaitPendingTraceBatches();
read = await client.readRun(tree.id, { loadChildRuns: true });
same([read.status, read.error, read.inputs], ["error", "it fell", { a: 1 }]);
same(read.child_runs.map((run) => [run.name, run.outputs, run.parent_run_id]), [["branch", { c: 3 }, tree.id]]);

// where it cannot ask what to send, it sends forms, in a stream
const unasked = client_of({
  fetchImplementation: (url, init) => (new URL(url).pathname.endsWith("/info") ? Promise.resolve(new Response("{}", { status: 404 })) : spy(url, init)),
});
const warn = console.warn;
console.warn = () => {};
const form = new RunTree({ name: "form", run_type: "chain", inputs: { text: "é\r\n--x" }, project_name, client: unasked, extra: { metadata: { way: "form" } } });
await form.postRun();
await form.end({ done: true });
await form.patchRun();
await unasked.awaitPendingTraceBatches();
console.warn = warn;
same(sent.some((line) => line.endsWith("/runs/multipart")), true);
read = await client.readRun(form.id);
same([read.status, read.inputs, read.outputs, read.extra.metadata.way], ["success", { text: "é\r\n--x" }, { done: true }, "form"]);
same(no_errors, []);

// ------------------------------------------------------------------------------------------------------- lists

const list = async (options) => names(await all(client.listRuns({ projectName, ...options })));
const agents = ["agent", "agent", "agent"];
const three = (name) => [name, name, name];
same(await list({ runType: "llm" }), [...three("model"), ...three("stream")]);
same(await list({ error: true }), [...three("broken"), "tree"]);
same(await list({ error: false, runType: "tool" }), ["branch"]);
same(await list({ isRoot: false, filter: 'eq(run_type, "tool")' }), ["branch", ...three("broken")]);
same(await list({ traceId: tree.id }), ["branch", "tree"]);
same(await list({ parentRunId: root.id }), ["broken", "model", "stream"]);
same(await list({ id: [root.id, tree.id] }), ["agent", "tree"]);
same(await list({ id: [] }), []);
same(await list({ startTime: new Date(1700000001000), filter: 'lt(start_time, "2024-01-01T00:00:00Z")' }), ["late"]);
same(await list({ executionOrder: 1, runType: "retriever" }), ["by hand"]);
same(await list({ filter: 'has(tags, "fast")' }), three("model"));
same(await list({ filter: 'and(eq(metadata_key, "turn"), eq(metadata_value, 2))' }), ["agent", "broken", "model", "stream"]); // it is handed down
same(await list({ filter: "gt(latency, 1)", runType: "retriever" }), ["by hand"]);
same(await list({ filter: 'eq(model, "gpt-4o-mini")', limit: 2 }), ["model", "model"]);
same(await list({ filter: 'eq(name, "model")', traceFilter: 'and(eq(metadata_key, "turn"), eq(metadata_value, 2))' }), ["model"]);
same(await list({ isRoot: true, treeFilter: 'eq(name, "broken")' }), agents);
same(await list({ query: "and now", isRoot: true }), ["agent"]);
same(await list({ referenceExampleId: randomUUID() }), []);
const [selected] = await all(client.listRuns({ projectName, id: [llm.id], select: ["total_tokens"] }));
same(Object.keys(selected).sort().filter((key) => selected[key] !== undefined),
  ["dotted_order", "id", "name", "parent_run_id", "run_type", "session_id", "status", "total_tokens", "trace_id"]);
same((await all(client.listRuns({ projectName, order: "asc", limit: 2 }))).map((run) => run.name), ["by hand", "late"]);
await fails(all(client.listRuns({ projectName, limit: 101 })), "Error", /\[400\].*100/s);
const before = sent.length;
await fails(list({ filter: 'eq(nmae, "x")' }), "Error", /did you mean 'name'/);
same(sent.length - before, 2); // the project, and the runs once: a mistake is not sent again

// more than a page: by cursors, each once
const many = `many ${randomUUID()}`;
for (let i = 0; i < 230; i += 1) {
  const id = randomUUID();
  await client.createRun({ id, name: `run ${i}`, run_type: "chain", inputs: {}, project_name: many, start_time: 1700000000000 + i, end_time: 1700000000100 + i,
    trace_id: id, dotted_order: `20231114T221320${String(i).padStart(6, "0")}Z${id}` });
}
await client.awaitPendingTraceBatches();
const listed = (await all(client.listRuns({ projectName: many, select: ["name"] }))).map((run) => run.name);
same(listed, Array.from({ length: 230 }, (_, i) => `run ${229 - i}`));
const newer = await all(client.runs.query({ project_ids: [(await client.readProject({ projectName: many })).id], min_start_time: "2023-01-01T00:00:00Z", selects: ["NAME"], page_size: 100 }));
same(newer.map((run) => run.name), listed);
same((await all(client.runs.query({ project_ids: [made.id], run_type: "LLM", has_error: false, selects: ["NAME", "STATUS", "TOTAL_TOKENS", "IS_ROOT"] })))
  .filter((run) => run.name === "model").map((run) => [run.status, run.total_tokens, run.is_root]), three(["SUCCESS", 15, false]));

// ---------------------------------------------------------------------------------------- threads and statistics

const threads = await client.listThreads({ projectName });
same(threads.map((thread) => [thread.thread_id, thread.count]), [["T2", 1], ["T1", 2]]);
same((await all(client.readThread({ threadId: "T1", projectName }))).map((run) => run.inputs.input), ["what?", "and now?"]);
same((await all(client.readThread({ threadId: "T1", projectName, order: "desc", limit: 1, filter: "eq(is_root, true)" }))).map((run) => run.inputs.input), ["and now?"]);
const groups = await all(client.listGroupRuns({ projectName, groupBy: "conversation" }));
same(groups.map((group) => [group.group_key, group.count, group.total_tokens, group.total_cost]), [["T2", 1, 15, "0.003"], ["T1", 2, 30, "0.006"]]);
same((await all(client.listGroupRuns({ projectName, groupBy: "conversation", limit: 1, offset: 1 }))).map((group) => group.group_key), ["T1"]);
const stats = await client.getRunStats({ projectNames: [projectName], runType: "llm" });
same([stats.run_count, stats.total_tokens, stats.total_cost, stats.error_rate, stats.streaming_rate], [6, 45, "0.009", 0, 0.5]);
same((await client.getRunStats({ projectIds: [made.id], filter: 'eq(name, "broken")' })).error_rate, 1);

// ---------------------------------------------------------------------------------------------------- feedback

const given = await client.createFeedback({ runId: root.id, key: "helpful", score: 0.75, value: "yes", comment: "good", correction: { said: "x" }, sourceInfo: { who: "tester" }, sessionId: made.id });
await client.createFeedback(root.id, "helpful", { score: 0.25, feedbackSourceType: "model", sessionId: made.id });
await client.createFeedback(llm.id, "length", { score: true, sessionId: made.id });
let feedback = await client.readFeedback(given.id);
same([feedback.id, feedback.run_id, feedback.session_id, feedback.key, feedback.score, feedback.value, feedback.comment], [given.id, root.id, made.id, "helpful", 0.75, "yes", "good"]);
same([feedback.correction, feedback.feedback_source], [{ said: "x" }, { type: "api", metadata: { who: "tester" } }]);
await client.updateFeedback(given.id, { score: 0.5, comment: "better" });
feedback = await client.readFeedback(given.id);
same([feedback.score, feedback.value, feedback.comment, feedback.correction], [0.5, "yes", "better", { said: "x" }]);
const heard = async (options) => (await all(client.listFeedback(options))).map((one) => [one.key, one.score]).sort();
same(await heard({ runIds: [root.id] }), [["helpful", 0.25], ["helpful", 0.5]]);
same(await heard({ runIds: [root.id, llm.id], feedbackKeys: ["length"] }), [["length", true]]);
same(await heard({ feedbackKeys: ["helpful"], feedbackSourceTypes: ["model"] }), [["helpful", 0.25]]);
same((await client.readRun(root.id)).feedback_stats, { helpful: { n: 2, avg: 0.375, values: { yes: 1 } } });
same(await list({ filter: 'and(eq(feedback_key, "helpful"), gt(feedback_score, 0.4))' }), ["agent"]);
same(await list({ filter: 'eq(name, "model")', traceFilter: 'eq(feedback_key, "helpful")' }), ["model"]);
await client.createFeedback(null, "project grade", { score: 1, projectId: made.id });
same((await client.readProject({ projectId: made.id, includeStats: true })).session_feedback_stats, { "project grade": { n: 1, avg: 1, values: {} } });
await client.deleteFeedback(given.id);
await fails(client.readFeedback(given.id), "LangSmithNotFoundError", /404/);
same(await heard({ runIds: [root.id] }), [["helpful", 0.25]]);
await fails(client.createFeedback(randomUUID(), "helpful", { score: 1, sessionId: made.id }), "LangSmithNotFoundError", /Run not found/);

// ------------------------------------------------------------------------------------- projects with statistics

const [shown] = await all(client.listProjects({ name: project_name, includeStats: true }));
same([shown.id, shown.run_count, shown.total_tokens, shown.prompt_tokens, shown.completion_tokens], [made.id, 7, 45, 30, 15]);
same([shown.total_cost, shown.prompt_cost, shown.completion_cost], ["0.009", "0.003", "0.006"]);
same([shown.error_rate, shown.feedback_stats.length], [1 / 7, { n: 1, avg: 1, values: {} }]);
same([shown.latency_p50 <= shown.latency_p99, shown.latency_p99 >= 2], [true, true]);
same((await all(client.listProjects({ nameContains: project_name.slice(-12).toUpperCase() }))).map((project) => project.name), [project_name]);
same((await all(client.listProjects({ metadata: { build: 7, env: "ci" }, projectIds: [made.id] }))).map((project) => project.id), [made.id]);
same(await all(client.listProjects({ metadata: { build: "7" }, projectIds: [made.id] })), []);
same((await all(client.listProjects({ referenceFree: true }))).map((project) => project.name).sort(), [project_name, many].sort());
same(await client.getRunUrl({ runId: root.id }), `http://localhost:3000/o/${TENANT}/projects/p/${made.id}/r/${root.id}?trace_id=${root.id}&start_time=${encodeURIComponent(root.start_time)}`);
same(await client.getRunUrl({ run: root }), `http://localhost:3000/o/${TENANT}/projects/p/${made.id}/r/${root.id}?poll=true`);
same(await client.getProjectUrl({ projectName }), `http://localhost:3000/o/${TENANT}/projects/p/${made.id}`);
const renamed = await client.updateProject(made.id, { name: `${project_name} renamed`, description: "new", metadata: { env: "prod" }, endTime: "2026-01-01T00:00:00Z" });
same([renamed.id, renamed.name, renamed.description, renamed.end_time], [made.id, `${project_name} renamed`, "new", "2026-01-01T00:00:00Z"]);
same(renamed.extra.metadata, { env: "prod" });
same((await client.readRun(root.id)).session_id, made.id);

// --------------------------------------------------------------------------- what is another's, and what is gone

await fails(other.readRun(root.id), "LangSmithNotFoundError", /404/);
await fails(other.readProject({ projectId: made.id }), "LangSmithNotFoundError", /404/);
await fails(other.deleteProject({ projectId: made.id }), "LangSmithNotFoundError", /404/);
same(await all(other.listProjects()), []);
same(await all(other.listRuns({ projectId: made.id })), []);
same(await all(other.listRuns({ projectId: made.id, traceId: root.id })), []);
same(await all(other.listRuns({ id: [root.id], parentRunId: root.id })), []);
same(await all(other.listFeedback({ runIds: [root.id] })), []);
await fails(other.createFeedback(root.id, "theirs", { score: 1, sessionId: made.id }), "LangSmithNotFoundError", /404/);
await client_of({ apiKey: OTHER_KEY, autoBatchTracing: false }).updateRun(root.id, { outputs: { theirs: true } });
same((await client.readRun(root.id)).outputs, { said: "It is what?.", words: ["a", "b"] });
await fails(client_of({ apiKey: `${KEY}0` }).readRun(root.id), "Error", /\[401\]/);

await client.deleteProject({ projectName: `${project_name} renamed` });
same(await client.hasProject({ projectName: `${project_name} renamed` }), false);
await fails(client.readRun(root.id), "LangSmithNotFoundError", /404/);
await client.deleteProject({ projectName: many });
same(await all(client.listProjects()), []);
same(no_errors, []);

console.log(`${count} values`);
