"""The transaction of one batch, in a store of one shard and in one shard of several."""

from __future__ import annotations

from streams.stores.redis.scripts.fragments import NOTE_PARTS, WITHDRAWN
from streams.stores.redis.scripts.script import script_of

# KEYS: progress, the writer's last commit, then those of `_TO_LEDGER` or `_TO_OUTBOX`, then of each user who
#       is deleted the state, feed, slates, notes and tombstone, then a key for each state, feed, user's
#       slates and item, and each experiment whose sums change, and for each value that must be as it was
#       found
# ARGV: writer, token, ms a last commit is known, ms states and feeds live, ms slates live, feed channel,
#       ledger payload, marks and the least id of the outbox (of `_TO_OUTBOX`),
#       counts of expected, progress, states, feeds, slates, items, found, found slates, withdrawn,
#       experiments and deleted users, how many bytes of slates are compared, ms tombstones live, partition
#       and offset of each expected, digest of each found, of each found slates, id and 1 or 0 of each
#       withdrawn, partition and offset of each progress, tombstone and time of each deleted user, then
#       states, feeds, slates, items, of each experiment how many numbers change, and of each of these its
#       name and by how much, then the users whose feeds are written or go
_CHECK = """
local writer, token, known_ms, ttl_ms, slates_ttl_ms, channel, ledger, marks, least = unpack(ARGV, 1, 9)
local expected, progress = tonumber(ARGV[10]), tonumber(ARGV[11])
local states, feeds = tonumber(ARGV[12]), tonumber(ARGV[13])
local slates, items = tonumber(ARGV[14]), tonumber(ARGV[15])
local found, found_slates, withdrawn = tonumber(ARGV[16]), tonumber(ARGV[17]), tonumber(ARGV[18])
local experiments, forgotten, head = tonumber(ARGV[19]), tonumber(ARGV[20]), tonumber(ARGV[21])
local tombstone_ms, at = ARGV[22], 23
for _ = 1, expected do
  local stored = redis.call('HGET', KEYS[1], ARGV[at]) or '-1'
  if stored ~= ARGV[at + 1] then
    local last = redis.call('GET', KEYS[2])
    if last and string.sub(last, 1, #token) == token then return string.sub(last, #token + 1) end
    return redis.error_reply('FENCED ' .. ARGV[at] .. ' is at ' .. stored .. ', expected ' .. ARGV[at + 1])
  end
  at = at + 2
end
for there = #KEYS - found - found_slates + 1, #KEYS do
  local value
  if there <= #KEYS - found_slates then
    value = redis.call('GET', KEYS[there]) or ''
  else
    value = redis.call('GETRANGE', KEYS[there], 0, head - 1)
  end
  if (value ~= '' and redis.sha1hex(value) or '') ~= ARGV[at] then
    return redis.error_reply('FENCED ' .. KEYS[there] .. ' is not the value that was found')
  end
  at = at + 1
end
for there = #KEYS - found - found_slates - experiments + 1, #KEYS - found - found_slates do
  redis.call('HLEN', KEYS[there])
end
for user = 1, forgotten do redis.call('HLEN', KEYS[key + 5 * user - 2]) end
local position = ''
"""

# KEYS 3 to 5: ledger, the withdrawn items, their version        -> the position in the ledger
_TO_LEDGER = """
redis.call('GET', KEYS[5])
local changes = changes_of(KEYS[4], at, withdrawn)
at = at + 2 * withdrawn
if ledger ~= '' then position = redis.call('XADD', KEYS[3], '*', 'w', writer, 'p', ledger) end
change(KEYS[4], KEYS[5], writer, changes)
"""

# KEYS 3 and 4: outbox, the id of its last entry                 -> the entry's id, and that of the one before
# ARGV: `marks` is what `_TO_LEDGER` has of the withdrawn items, for `RELAY`; entries before `least` may go.
_TO_OUTBOX = """
local before = redis.call('GET', KEYS[4]) or '0-0'
if ledger ~= '' or marks ~= '' then
  local id = redis.call('XADD', KEYS[3], '*', 'w', writer, 'p', ledger, 'm', marks)
  if least ~= '' then redis.call('XTRIM', KEYS[3], 'MINID', least) end
  redis.call('SET', KEYS[4], id)
  position = id .. ' ' .. before
end
"""

_WRITE = """
for _ = 1, progress do
  redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
  at = at + 2
end
redis.call('SET', KEYS[2], token .. position, 'PX', known_ms)
for _ = 1, forgotten do
  redis.call('DEL', KEYS[key], KEYS[key + 1], KEYS[key + 2])
  local notes, until_ms = redis.call('HGETALL', KEYS[key + 3]), tonumber(ARGV[at + 1])
  for field = 1, #notes, 2 do
    if note_ts(notes[field + 1]) <= until_ms then redis.call('HDEL', KEYS[key + 3], notes[field]) end
  end
  redis.call('SET', KEYS[key + 4], ARGV[at], 'PX', tombstone_ms)
  key, at = key + 5, at + 2
end
for _ = 1, states + feeds do
  redis.call('SET', KEYS[key], ARGV[at], 'PX', ttl_ms)
  key, at = key + 1, at + 1
end
for _ = 1, slates do
  redis.call('SET', KEYS[key], ARGV[at], 'PX', slates_ttl_ms)
  key, at = key + 1, at + 1
end
for _ = 1, items do
  redis.call('SET', KEYS[key], ARGV[at])
  key, at = key + 1, at + 1
end
for _ = 1, experiments do
  local last = at + 2 * tonumber(ARGV[at])
  for number = at + 1, last, 2 do redis.call('HINCRBY', KEYS[key], ARGV[number], ARGV[number + 1]) end
  key, at = key + 1, last + 1
end
for user = at, #ARGV do redis.call('PUBLISH', channel, ARGV[user]) end
return position
"""

COMMIT = script_of("local key = 6\n" + WITHDRAWN + NOTE_PARTS + _CHECK + _TO_LEDGER + _WRITE)

COMMIT_OF_SHARD = script_of("local key = 5\n" + NOTE_PARTS + _CHECK + _TO_OUTBOX + _WRITE)
