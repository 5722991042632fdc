"""The transactions of what all processes share: row numbers, leases, the active model, experiments."""

from __future__ import annotations

from streams.stores.redis.scripts.script import script_of

# KEYS: item id -> row, item ids in row order     ARGV: item ids     -> their rows
INTERN = script_of(
    """
local rows = {}
for at, id in ipairs(ARGV) do
  local row = redis.call('HGET', KEYS[1], id)
  if not row then
    row = redis.call('RPUSH', KEYS[2], id) - 1
    redis.call('HSET', KEYS[1], id, row)
  end
  rows[at] = tonumber(row)
end
return rows
"""
)

# KEYS: lease     ARGV: writer, ms     -> 1 while the writer holds it
LEAD = script_of(
    """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
)

# KEYS: experiments, their log     ARGV: digest of what was found, what it becomes, the entry of the log
PUT_EXPERIMENTS = script_of(
    """
local stored = redis.call('GET', KEYS[1])
if (stored and redis.sha1hex(stored) or '') ~= ARGV[1] then
  return redis.error_reply('FENCED ' .. KEYS[1] .. ' is not the value that was found')
end
redis.call('RPUSH', KEYS[2], ARGV[3])
redis.call('SET', KEYS[1], ARGV[2])
return 'OK'
"""
)

# KEYS: the active model, the list of activations     ARGV: model, how many activations are kept at most
ACTIVATE = script_of(
    """
local active = redis.call('GET', KEYS[1])
if active and redis.call('LLEN', KEYS[2]) == 0 then redis.call('LPUSH', KEYS[2], '0 ' .. active) end
if active ~= ARGV[1] then
  local now = redis.call('TIME')
  local ms = string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000))
  redis.call('LPUSH', KEYS[2], ms .. ' ' .. ARGV[1])
  redis.call('LTRIM', KEYS[2], 0, tonumber(ARGV[2]) - 1)
  redis.call('SET', KEYS[1], ARGV[1])
end
return 'OK'
"""
)
