--- Helicone's two filter contracts, column by column, as the vendor publishes them: which operators each
--- column has. The golden file must hold a case for every one.
local text = { "equals", "not-equals", "like", "ilike", "contains", "not-contains" }
local number = { "equals", "not-equals", "gt", "gte", "lt", "lte" }
local time = { "equals", "gt", "gte", "lt", "lte" }
local legacy_time = { "gt", "gte", "lt", "lte" }
local boolean = { "equals" }
local search = { "contains" }
local exact = { "equals" }

local contract = {}

--- table → column → operators
contract.columns = {
  request_response_rmt = {
    country_code = text, latency = number, cost = number, provider = text, time_to_first_token = number, status = number,
    request_created_at = time, response_created_at = time, model = text, user_id = text, organization_id = text,
    node_id = text, job_id = text, threat = boolean, request_id = text, prompt_tokens = number,
    completion_tokens = number, prompt_cache_read_tokens = number, prompt_cache_write_tokens = number,
    total_tokens = number, target_url = text, property_key = exact, scores_column = text, request_body = search,
    response_body = search, cache_enabled = boolean, cache_reference_id = text, cached = boolean, assets = text,
    ["helicone-score-feedback"] = boolean, prompt_id = text, prompt_version = text, request_referrer = text,
    is_passthrough_billing = boolean,
  },
  sessions_request_response_rmt = {
    session_session_id = text, session_session_name = text, session_total_cost = number, session_total_tokens = number,
    session_prompt_tokens = number, session_completion_tokens = number, session_total_requests = number,
    session_created_at = time, session_latest_request_created_at = time, session_tag = text,
    total_cost = number, total_tokens = number,
  },
  response = { body_tokens = number, body_model = text, body_completion = text, status = number, model = text },
  request = {
    prompt = text, created_at = legacy_time, user_id = text, org_id = text, id = text, node_id = text, model = text,
    path = text, prompt_id = text,
  },
  feedback = { id = number, created_at = legacy_time, rating = boolean, response_id = text },
  request_response_search = { request_body_vector = search, response_body_vector = search },
  cache_hits = {
    organization_id = text, request_id = text, latency = number, completion_tokens = number, prompt_tokens = number,
    created_at = legacy_time,
  },
}

--- table → the member that holds one column for each key ("" : the table itself)
contract.members = {
  { "request_response_rmt", "properties" },
  { "request_response_rmt", "search_properties" },
  { "request_response_rmt", "scores" },
  { "properties" },
  { "values" },
}
contract.member_operators = text

local function value_of(operators, operator)
  if operators == number then return ({ equals = "5", ["not-equals"] = "5", gt = "0.5", gte = "1.5", lt = "2.5", lte = "-3" })[operator] end
  if operators == time or operators == legacy_time then return '"2026-11-07T05:31:56Z"' end
  if operators == boolean then return "true" end
  return ({ like = '"%ab_c"', ilike = '"A%"' })[operator] or '"abc"'
end

--- Every column with every operator: the source of a leaf.
---@return fun(): string, string description and source
function contract.cases()
  return coroutine.wrap(function()
    local function emit(path, operators)
      for _, operator in ipairs(operators) do
        local source = ('{"%s":%s}'):format(operator, value_of(operators, operator))
        for i = #path, 1, -1 do source = ('{"%s":%s}'):format(path[i], source) end
        coroutine.yield(table.concat(path, ".") .. " " .. operator, source)
      end
    end
    local tables = {}
    for name in pairs(contract.columns) do tables[#tables + 1] = name end
    table.sort(tables)
    for _, name in ipairs(tables) do
      local columns = {}
      for column in pairs(contract.columns[name]) do columns[#columns + 1] = column end
      table.sort(columns)
      for _, column in ipairs(columns) do emit({ name, column }, contract.columns[name][column]) end
    end
    for _, member in ipairs(contract.members) do
      local path = { member[1], member[2] }
      path[#path + 1] = "env"
      emit(path, contract.member_operators)
    end
  end)
end

return contract
