/* What the benches ask, as far as it reads the same in both column stores' SQL. `where` trims rows, `having` keeps
   sessions, `order` names a column of the answer (descending, ties by session); newest 50 unless it says otherwise.
   `early`: the order is by the latest row that passes, so the newest rows alone decide which sessions are shown. */
const text = (value) => `'${String(value).replaceAll("'", "''")}'`;
const slow = (p) => `model = ${text(p.model)} AND latency_ms > ${p.latency}`;
const newest = { where: () => "true", having: () => "true", order: "latest" };

export const lists = {
  Q1: { ...newest, where: (p) => `created_at >= ${p.from}`, early: true },
  Q2: { ...newest, early: true },
  Q2c: { ...newest, order: "created" },
  Q3: { ...newest, where: slow, early: true },
  Q4: { ...newest, having: (p) => `sum(cost) > ${p.cost} AND count(*) >= ${p.requests}` },
  Q6: { ...newest, where: (p) => `feature = ${text(p.feature)}`, early: true },
  Q10: { ...newest, where: (p) => `latency_ms > ${p.least}`, early: true },
};
export const searches = { Q5: (p) => text(p.needle), Q5h: (p) => text(p.hex) };
export const rankings = { Q7: "total_cost", Q8: "p99" };
export const counts = { Q11: slow };
export const session = (p) =>
  `organization_id = ${text(p.organization)} AND project = ${text(p.project)} AND session_id = ${text(p.session)}`;

/* The columns of one request as Q9 gives them. */
export const request = `request_id, session_name, user_id, model, provider, error, created_at, latency_ms,
  time_to_first_token_ms, status, prompt_tokens, completion_tokens, cost, streamed, feature, env, plan, quality`;

export const total_tokens = `CASE WHEN count(prompt_tokens) + count(completion_tokens) > 0
  THEN coalesce(sum(prompt_tokens), 0) + coalesce(sum(completion_tokens), 0) END`;
export const failed = "(error IS NOT NULL OR status >= 400 OR (status < 0 AND status <> -2))";
export const tried = "(error IS NOT NULL OR status <> -2)";
