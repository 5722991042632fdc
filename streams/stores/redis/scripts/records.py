"""The transactions of notes and of the workers' reports."""

from __future__ import annotations

from streams.stores.redis.scripts.script import script_of

# KEYS: the notes of an experiment's sums     ARGV: the newest note, how many are kept at most
NOTE_SUMS = script_of(
    """
local count = redis.call('RPUSH', KEYS[1], ARGV[1])
if count <= tonumber(ARGV[2]) then return count end
local notes = redis.call('LRANGE', KEYS[1], 0, -1)
redis.call('DEL', KEYS[1])
for at = 1, count - 1, 2 do redis.call('RPUSH', KEYS[1], notes[at]) end
return redis.call('RPUSH', KEYS[1], notes[count])
"""
)

# A hash: the name of a worker -> when it was written, when it expires (ms of the server's clock), the report.
# KEYS: the reports     ARGV: worker, report, ms it lives (0: none)
PUT_REPORT = script_of(
    """
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local names = redis.call('HKEYS', KEYS[1])
for _, name in ipairs(names) do
  local kept = redis.call('HGET', KEYS[1], name)
  if tonumber(string.match(kept, '^%d+ (%d+) ') or 0) <= ms then redis.call('HDEL', KEYS[1], name) end
end
local lives = tonumber(ARGV[3])
if lives <= 0 then return redis.call('HDEL', KEYS[1], ARGV[1]) end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %.0f ', ms, ms + lives) .. ARGV[2])
local left = redis.call('PTTL', KEYS[1])
if left < lives then redis.call('PEXPIRE', KEYS[1], lives) end
return 1
"""
)

# KEYS: note     ARGV: digest of what was found, what it becomes ('': nothing), ms it lives
PUT_NOTE = script_of(
    """
local stored = redis.call('GET', KEYS[1])
if (stored and redis.sha1hex(stored) or '') ~= ARGV[1] then
  return redis.error_reply('FENCED ' .. KEYS[1] .. ' is not the value that was found')
end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""
)

# The same of a note about a user, which is a field of a hash. Some of the fields that hold no more go with
# each write, by chance: to look at all of them would take ever longer.
# KEYS: the notes about a user     ARGV: field, digest of what was found, what it becomes ('': nothing), ms it
# lives, its time
PUT_NOTE_ABOUT = script_of(
    """
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local function until_ms(packed) return tonumber(string.match(packed, '^(%d+):')) end
local packed, stored = redis.call('HGET', KEYS[1], ARGV[1]), ''
if packed and until_ms(packed) > now_ms then
  stored = redis.sha1hex(string.match(packed, '^%d+:%d+:(.*)$'))
end
if stored ~= ARGV[2] then
  return redis.error_reply('FENCED note ' .. ARGV[1] .. ' is not the value that was found')
end
local last_ms = now_ms + math.max(redis.call('PTTL', KEYS[1]), 0)
local some = redis.call('HRANDFIELD', KEYS[1], 8, 'WITHVALUES')
for field = 1, #some, 2 do
  if until_ms(some[field + 1]) <= now_ms then redis.call('HDEL', KEYS[1], some[field]) end
end
if ARGV[3] == '' then return redis.call('HDEL', KEYS[1], ARGV[1]) end
local holds_ms = now_ms + ARGV[4]
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f:', holds_ms) .. ARGV[5] .. ':' .. ARGV[3])
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', math.max(last_ms, holds_ms)))
return 1
"""
)
