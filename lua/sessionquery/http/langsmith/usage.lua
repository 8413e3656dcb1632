--- Token counts, costs and the model of a run, wherever its client has put them: LangChain and the SDK's wrappers write
--- `usage_metadata`, older LangChain `llm_output.token_usage`, a plain answer of a provider `usage`.
local core = require "sessionquery.core"

local usage = {}

local function is_map(value) return type(value) == "table" end

--- The member at the end of a way through objects and lists; nil where it does not lead.
local function at(value, ...)
  for i = 1, select("#", ...) do
    if not is_map(value) then return nil end
    value = value[select(i, ...)]
  end
  if value == core.null then return nil end
  return value
end

--- A count of tokens, if it is one; what is none says nothing, and does not cost the run.
local function count(value)
  if type(value) == "number" and value >= 0 and value < 2 ^ 53 and value == math.floor(value) then return value end
end

--- An amount in US dollars, which Python's SDK writes as text.
local function dollars(value)
  local number = type(value) == "number" and value or type(value) == "string" and value:find "^%-?[%d.]+[eE%-+%d]*$" and tonumber(value)
  if number and math.abs(number) <= 1e6 then return number end
end

--- Where usage may stand, the most telling first.
local function candidates(outputs, metadata)
  return {
    at(outputs, "usage_metadata"), at(metadata, "usage_metadata"),
    at(outputs, "generations", 1, 1, "message", "kwargs", "usage_metadata"),
    at(outputs, "output", "usage_metadata"), at(outputs, "output", "kwargs", "usage_metadata"),
    at(outputs, "llm_output", "token_usage"), at(outputs, "usage"),
  }
end

local function fill(record, found)
  record.prompt_tokens = count(found.input_tokens) or count(found.prompt_tokens)
  record.completion_tokens = count(found.output_tokens) or count(found.completion_tokens)
  record.total_tokens = count(found.total_tokens)
  record.prompt_cache_read_tokens = count(at(found, "input_token_details", "cache_read"))
    or count(at(found, "prompt_tokens_details", "cached_tokens"))
  record.prompt_cache_write_tokens = count(at(found, "input_token_details", "cache_creation"))
  record.prompt_cost_usd = dollars(found.input_cost)
  record.completion_cost_usd = dollars(found.output_cost)
  record.cost_usd = dollars(found.total_cost)
  if not record.cost_usd and record.prompt_cost_usd and record.completion_cost_usd then
    record.cost_usd = record.prompt_cost_usd + record.completion_cost_usd
  end
end

local function text(value) return type(value) == "string" and value ~= "" and value or nil end

--- Sets what a run's outputs (as text; nil: none) and its `extra` say of tokens, costs, model and provider.
---@param record table
---@param outputs string?
---@param extra table decoded
function usage.read(record, outputs, extra)
  local metadata = at(extra, "metadata") or {}
  local decoded = outputs and (outputs:find("usage", 1, true) or outputs:find("model_name", 1, true)) and core.decode(outputs, true)
  local list = candidates(decoded or nil, metadata)
  for i = 1, 7 do -- some of them are nil
    if is_map(list[i]) then
      fill(record, list[i])
      break
    end
  end
  record.model = text(metadata.ls_model_name) or text(at(decoded, "llm_output", "model_name"))
    or text(at(extra, "invocation_params", "model")) or text(at(extra, "invocation_params", "model_name"))
  record.provider = text(metadata.ls_provider)
end

return usage
