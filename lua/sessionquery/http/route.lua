--- A table of routes, and which one a path takes. Names go before `{id}`.
local route = {}

local METHODS = { "GET", "POST", "PATCH", "DELETE" }

--- Takes in the routes of vendors: `{ routes = { { "v1/session/{id}/tag", GET = {…}, POST = {…} } } }`.
---@param ... { routes: table[] }
---@return table[]
function route.table(...)
  local routes = {}
  for _, vendor in ipairs { ... } do
    for _, given in ipairs(vendor.routes) do
      local made, allow = { name = given[1], vendor = vendor, segments = {}, methods = {} }, {}
      for segment in (given[1] .. "/"):gmatch "([^/]*)/" do made.segments[#made.segments + 1] = segment end
      for _, method in ipairs(METHODS) do
        made.methods[method] = given[method]
        if given[method] then allow[#allow + 1] = method == "GET" and "GET, HEAD" or method end
      end
      made.allow = table.concat(allow, ", ")
      routes[#routes + 1] = made
    end
  end
  return routes
end

local function match(segments, wanted)
  if #segments ~= #wanted then return nil end
  local params, names = {}, 0
  for i, segment in ipairs(wanted) do
    local name = segment:match "^{([%l_]+)}$"
    if name and segments[i] ~= "" then
      params[name] = segments[i]
    elseif segment == segments[i] then
      names = names + 1
    else
      return nil
    end
  end
  return params, names
end

--- The route of a path's segments, and what stands for its parameters; nil when there is none.
---@param routes table[]
---@param segments string[]
---@return table? route
---@return table<string, string>? params
function route.find(routes, segments)
  local best, best_params, most
  for _, candidate in ipairs(routes) do
    local params, names = match(segments, candidate.segments)
    if params and (not most or names > most) then best, best_params, most = candidate, params, names end
  end
  return best, best_params
end

return route
