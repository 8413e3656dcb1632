--- Gemini's answers: each part of a stream is a whole answer, and repeats the usage so far. promptTokenCount
--- holds the cached ones; the thoughts are told beside the candidates.
local usage = require "sessionquery.capture.usage"

local names = usage.names {
  prompt_tokens = { "promptTokenCount", "toolUsePromptTokenCount" },
  completion_tokens = { "candidatesTokenCount", "thoughtsTokenCount" },
  total_tokens = { "totalTokenCount" },
  prompt_cache_read_tokens = { "cachedContentTokenCount" },
}

local generate = {
  name = "gemini.generate",
  provider = "gemini",
  names = names,
  members = { usageMetadata = true, modelVersion = true, error = true },
}

local function is_text(value) return type(value) == "string" and value ~= "" end

function generate.wants() return true end

local function brings_content(candidate)
  local parts = usage.at(candidate, { "content", "parts" })
  for i = 1, type(parts) == "table" and #parts or 0 do
    local part = parts[i]
    if type(part) == "table" and (is_text(part.text) or part.functionCall or part.inlineData or part.executableCode) then return true end
  end
  return false
end

function generate.read(seen, event)
  if is_text(event.modelVersion) then seen.model = event.modelVersion end
  usage.merge(seen.told, event.usageMetadata, names)
  local candidates = event.candidates
  for i = 1, type(candidates) == "table" and #candidates or 0 do
    local candidate = candidates[i]
    if not seen.content and brings_content(candidate) then seen.content = true end
    if type(candidate) == "table" and is_text(candidate.finishReason) then seen.finished = true end
  end
  if type(usage.at(event, { "promptFeedback", "blockReason" })) == "string" then seen.finished = true end
  return false
end

local embed = setmetatable({ name = "gemini.embed", run_type = "embedding" }, { __index = generate })

return { generate = generate, embed = embed }
