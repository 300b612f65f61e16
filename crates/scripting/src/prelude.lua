-- What the sandbox is made of, before any script runs. Called with the table of functions in Rust; returns the
-- table that scripts have as _G.
--
-- A table that scripts must not change is hidden behind an empty one (its front): what is looked up comes from the
-- hidden one, and an assignment meets __newindex. What Lua offers to get around that (rawset, setmetatable, the
-- string metatable, table.insert) knows fronts and refuses; pairs, next and rawget look behind them.

local rust = ...

local error, type, pairs, next = error, type, pairs, next
local rawset, rawget, rawequal = rawset, rawget, rawequal
local setmetatable, getmetatable, tostring = setmetatable, getmetatable, tostring
local pcall, xpcall, select, loadstring = pcall, xpcall, select, loadstring
local setfenv = setfenv
local table, string, coroutine, math = table, string, coroutine, math

local READONLY = "Attempt to modify a readonly table"

-- Fronts of libraries that are gone go too.
local hidden = setmetatable({}, { __mode = "k" })

local function refuse()
  error(READONLY, 2)
end

-- A front of `inside`. `seen` is what getmetatable shows of it.
local function front_of(inside, seen)
  local front = {}
  hidden[front] = inside
  setmetatable(front, { __index = inside, __newindex = refuse, __metatable = seen or false })
  return front
end

local function name_of(value, count)
  if count == 0 then return "no value" end
  return type(value)
end

local function expect_table(value, count, name)
  if type(value) ~= "table" then
    error("bad argument #1 to '" .. name .. "' (table expected, got " .. name_of(value, count) .. ")", 3)
  end
end

local lib = {}

-- ---- errors

local caught, uncaught, is_killed = rust.caught, rust.uncaught, rust.is_killed
rust.caught, rust.uncaught, rust.is_killed = nil, nil, nil

local function settle(ok, ...)
  if ok then return true, ... end
  return false, caught((...))
end

-- `caught` raises again what stops a script.
local function unless_killed(ok, ...)
  if not ok then caught(nil) end
  return ok, ...
end

function lib.pcall(...)
  return settle(pcall(...))
end

function lib.xpcall(...)
  if select("#", ...) < 2 then
    error("bad argument #2 to 'xpcall' (value expected)", 2)
  end
  local body, handler = ...
  -- A handler is called where the error was raised, and what stops a script is raised where nothing watches it: it
  -- would run for ever.
  return unless_killed(xpcall(body, function(raised)
    if is_killed() then return raised end
    return handler(uncaught(raised))
  end))
end

-- ---- tables

function lib.pairs(...)
  local t = ...
  expect_table(t, select("#", ...), "pairs")
  return next, hidden[t] or t, nil
end

function lib.next(...)
  local t, key = ...
  expect_table(t, select("#", ...), "next")
  return next(hidden[t] or t, key)
end

function lib.rawget(...)
  local t, key = ...
  expect_table(t, select("#", ...), "rawget")
  if select("#", ...) < 2 then error("bad argument #2 to 'rawget' (value expected)", 2) end
  return rawget(hidden[t] or t, key)
end

function lib.rawset(...)
  local t, key, value = ...
  local count = select("#", ...)
  expect_table(t, count, "rawset")
  if count < 3 then error("bad argument #" .. count + 1 .. " to 'rawset' (value expected)", 2) end
  if hidden[t] then error(READONLY, 0) end
  return rawset(t, key, value)
end

function lib.setmetatable(...)
  local t, meta = ...
  local count = select("#", ...)
  expect_table(t, count, "setmetatable")
  if count < 2 or (meta ~= nil and type(meta) ~= "table") then
    error("bad argument #2 to 'setmetatable' (nil or table expected)", 2)
  end
  if hidden[t] then error(READONLY, 0) end
  return setmetatable(t, meta)
end

-- table.insert and its kin write past __newindex. What they put into a front is taken out after the run.
local function sweep()
  for front in pairs(hidden) do
    for key in pairs(front) do rawset(front, key, nil) end
  end
end

-- ---- code as text

-- Code that was compiled elsewhere could do anything: only text is compiled.
local function is_compiled(code)
  return type(code) == "string" and code:byte(1) == 27
end

function lib.loadstring(...)
  local code, name = ...
  if is_compiled(code) then
    local chunk = type(name) == "string" and name:match("^[=@](.*)$") or '[string "..."]'
    return nil, chunk .. ":1: unexpected symbol near 'char(27)'"
  end
  return loadstring(...)
end

function lib.load(...)
  local reader, name = ...
  if type(reader) ~= "function" then
    error("bad argument #1 to 'load' (function expected, got " .. name_of(reader, select("#", ...)) .. ")", 2)
  end
  local pieces = {}
  while true do
    local piece = reader()
    if piece == nil or piece == "" then break end
    if type(piece) ~= "string" and type(piece) ~= "number" then
      return nil, "reader function must return a string"
    end
    pieces[#pieces + 1] = piece
  end
  return lib.loadstring(table.concat(pieces), name == nil and "=(load)" or name)
end

-- ---- the rest of the base library

for _, name in pairs({ "assert", "collectgarbage", "error", "gcinfo", "getmetatable", "ipairs", "rawequal",
                       "select", "tonumber", "tostring", "type", "unpack", "_VERSION" }) do
  lib[name] = _G[name]
end

local function chosen(from, names)
  local inside = {}
  for name in names:gmatch("%S+") do inside[name] = from[name] end
  return inside
end

local strings = chosen(string, "byte char dump find format gfind gmatch gsub len lower match rep reverse sub upper")
local string_front = front_of(strings)

-- The metatable of all strings: methods are found in what scripts see as `string`.
local string_metatable = getmetatable("")
string_metatable.__index = strings
string_metatable.__metatable = front_of({ __index = string_front })

local tables = chosen(table, "concat foreach foreachi getn insert maxn remove setn sort")
local numbers = chosen(math, "abs acos asin atan2 atan ceil cos cosh deg exp floor fmod frexp huge ldexp log10 log " ..
  "max min mod modf pi pow rad sin sinh sqrt tan tanh")
numbers.random, numbers.randomseed = rust.random, rust.randomseed
rust.random, rust.randomseed = nil, nil

local threads = chosen(coroutine, "create running status wrap yield")
local resume = coroutine.resume
function threads.resume(...)
  return settle(resume(...))
end

lib.string, lib.table, lib.math = string_front, front_of(tables), front_of(numbers)
lib.coroutine, lib.os = front_of(threads), front_of({ clock = rust.clock })
rust.clock = nil
for name, inside in pairs(rust) do
  lib[name] = front_of(inside)
end

lib.__redis__err__handler = function(raised)
  raised = uncaught(raised)
  if type(raised) ~= "table" then raised = { err = "ERR " .. tostring(raised) } end
  return raised
end

setmetatable(lib, {
  __index = function(_, name)
    error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
  end,
})
local globals = front_of(lib, front_of({ __index = function() end }))
lib._G = globals

-- ---- running

-- KEYS and ARGV are globals that change from run to run.
local function run(body, handler, keys, argv)
  lib.KEYS, lib.ARGV = keys, argv
  return xpcall(body, handler)
end

local function run_bare(body, handler)
  lib.KEYS, lib.ARGV = {}, {}
  return xpcall(body, handler)
end

local function run_function(body, handler, keys, argv)
  return xpcall(function() return body(keys, argv) end, handler)
end

-- What functions of libraries find: all but what belongs to EVAL.
local lib_of_functions = setmetatable({}, getmetatable(lib))
for name, value in pairs(lib) do
  if name ~= "__redis__err__handler" and name ~= "redis" and name ~= "_G" then lib_of_functions[name] = value end
end
local redis_of_functions = {}
for name, value in pairs(rust.redis) do
  if name ~= "breakpoint" and name ~= "debug" and name ~= "replicate_commands" then
    redis_of_functions[name] = value
  end
end
lib_of_functions.redis = front_of(redis_of_functions)
lib_of_functions._G = front_of(lib_of_functions, getmetatable(globals))

-- While a library is loaded there is nothing but a table `redis` with what registers functions; later the same code
-- finds all that functions find.
local function load_library(body, handler, redis)
  local behind = setmetatable({ redis = front_of(setmetatable(redis, getmetatable(lib))) }, getmetatable(lib))
  local front = {}
  local meta = { __index = behind, __newindex = refuse, __metatable = false }
  hidden[front] = behind
  setfenv(body, setmetatable(front, meta))
  local ok, raised = xpcall(body, handler)
  meta.__index, hidden[front] = lib_of_functions, lib_of_functions
  return ok, raised
end

return globals, lib.loadstring, run, run_bare, run_function, load_library, sweep
