--- Which API a call is of, by its path; the model where the path names it.
local anthropic = require "sessionquery.capture.anthropic"
local gemini = require "sessionquery.capture.gemini"
local openai = require "sessionquery.capture.openai"

local routes = {}

--- The ends of paths: of OpenAI itself, of Azure (/openai/deployments/NAME/chat/completions) and of all who are
--- compatible, under whatever prefix.
local ends = {
  { "/chat/completions$", openai.chat },
  { "/completions$", openai.completions },
  { "/responses$", openai.responses },
  { "/embeddings$", openai.embeddings },
  { "/messages$", anthropic.messages },
  { "/models/([^/:]+):generateContent$", gemini.generate },
  { "/models/([^/:]+):streamGenerateContent$", gemini.generate, true },
  { "/models/([^/:]+):embedContent$", gemini.embed },
  { "/models/([^/:]+):batchEmbedContents$", gemini.embed },
  { "/publishers/anthropic/models/([^/:]+):rawPredict$", anthropic.messages }, -- Vertex AI
  { "/publishers/anthropic/models/([^/:]+):streamRawPredict$", anthropic.messages, true },
}

--- Who answers, where the host tells more than the path.
local hosts = {
  { "openai%.azure%.com$", "azure" },
  { "[%w%-]*aiplatform%.googleapis%.com$", "vertex_ai" },
  { "openrouter%.ai$", "openrouter" },
  { "groq%.com$", "groq" },
  { "deepseek%.com$", "deepseek" },
  { "mistral%.ai$", "mistral" },
  { "together%.xyz$", "together_ai" },
  { "fireworks%.ai$", "fireworks_ai" },
  { "x%.ai$", "xai" },
  { "perplexity%.ai$", "perplexity" },
  { "cohere%.com$", "cohere" },
}

--- The API, the model that the path names, and whether it is one that streams.
---@param path string without a query
function routes.find(path)
  path = path:gsub("/+$", "")
  for _, route in ipairs(ends) do
    local model = path:match(route[1])
    if model then
      if model:sub(1, 1) == "/" then model = nil end
      return route[2], model, route[3] == true
    end
  end
end

--- The provider's name.
function routes.provider(api, host)
  host = host and host:lower():gsub(":%d+$", "") or ""
  for _, known in ipairs(hosts) do
    local at = host:find(known[1])
    if at and (at == 1 or host:sub(at - 1, at - 1) == ".") then return known[2] end
  end
  return api and api.provider
end

return routes
