--- Tells the operator what goes wrong, in the error log: the same thing once a minute, however many calls meet it.
local PAUSE = 60 -- seconds

local told = {} -- when a kind of trouble was told last

---@param kind string
---@param ... any the message, in parts
return function(kind, ...)
  if told[kind] and ngx.now() - told[kind] < PAUSE then return end
  told[kind] = ngx.now()
  ngx.log(ngx.ERR, "sessionquery: ", kind, ": ", ...)
end
