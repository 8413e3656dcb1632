--- What is known of a call on its way through the phases. nginx empties ngx.ctx where it redirects a request by itself, to
--- an error_page or by X-Accel-Redirect: with that alone, a call whose upstream failed would leave no record, and what its
--- budgets hold back would stay so. So calls are found by their number too.
local state = {}

-- Weak: the table that was the request's ngx.ctx holds a call, until the request ends, and nothing else does.
local calls = setmetatable({}, { __mode = "v" })

--- No other request has it, nor had: the connection's number, and the request's in it (or its stream's).
local function number() return ngx.var.connection .. ":" .. ngx.var.connection_requests end

--- Keeps the call of this request.
---@param call table
function state.keep(call)
  ngx.ctx.sessionquery = call
  calls[number()] = call
end

--- The call of this request; nil where it is none. A subrequest has the number of the request that made it.
---@return table?
function state.get() return ngx.ctx.sessionquery or not ngx.is_subrequest and calls[number()] or nil end

--- Whether nginx has redirected the call's request since.
---@param call table
---@return boolean
function state.is_redirected(call) return ngx.ctx.sessionquery ~= call end

return state
