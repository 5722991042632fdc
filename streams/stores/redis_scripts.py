"""The transactions, as Lua: the server runs each of them whole, with nothing in between.

Redis does not roll back. So whatever may fail (a key of another type, memory used up) comes before
the first write or is itself the first write.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple


class Script(NamedTuple):
    """A script and the digest that the server knows it by."""

    source: str
    sha: str


def _script(source: str) -> Script:
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


FENCED = "FENCED"
"""How an error reply of a script begins where another writer came first."""

# The list of withdrawn items is a sorted set. An item's score is twice the number of the change that put it
# there, or took it off; one more where it was put there. So what changed since is a range of scores, and an
# item that came back stays until it is withdrawn again. The version is who began the list, and that number.
#     changes_of(list, at, count)    of the pairs of an item and '1' or '0' in ARGV from `at` on, those that
#                                    change something
#     change(list, version, name, changes)    `name` begins the list where there is none
_WITHDRAWN = """
local function changes_of(list, at, count)
  local changes = {}
  for pair = at, at + 2 * count - 1, 2 do
    local score = redis.call('ZSCORE', list, ARGV[pair])
    local was = score and tonumber(score) % 2 or 0
    if was ~= tonumber(ARGV[pair + 1]) then table.insert(changes, pair) end
  end
  return changes
end
local function change(list, version, name, changes)
  if #changes == 0 then return end
  local began, number = string.match(redis.call('GET', version) or name .. ':0', '^(.*):(%d+)$')
  number = tonumber(number)
  for _, pair in ipairs(changes) do
    number = number + 1
    redis.call('ZADD', list, string.format('%.0f', 2 * number + tonumber(ARGV[pair + 1])), ARGV[pair])
  end
  redis.call('SET', version, began .. ':' .. string.format('%.0f', number))
end
"""

# A position in a stream as numbers (`order_of` in Python), and whether one comes after another.
_POSITIONS = """
local function parts(position)
  local ms, sequence = string.match(position, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(sequence)
end
local function is_after(one, other)
  local ms, sequence = parts(one)
  local other_ms, other_sequence = parts(other)
  return ms > other_ms or (ms == other_ms and sequence > other_sequence)
end
"""

# A note about a user is a field of a hash: until when it holds (ms), its time (ms), and what it says.
#     note_ts(packed)    its time
_NOTE_PARTS = """
local function note_ts(packed) return tonumber(string.match(packed, '^%d+:(%d+):')) end
"""

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

COMMIT = _script("local key = 6\n" + _WITHDRAWN + _NOTE_PARTS + _CHECK + _TO_LEDGER + _WRITE)
COMMIT_OF_SHARD = _script("local key = 5\n" + _NOTE_PARTS + _CHECK + _TO_OUTBOX + _WRITE)

# Entries of an outbox go to the ledger in their order, each once: `relayed` says up to which they did, and at
# which position the last one is.
# KEYS: ledger, relayed, the withdrawn items, their version
# ARGV: shard, the id after which the entries come, how many, then of each: its id, writer, payload, how many
#       items it marks, and the item and 1 or 0 of each
# -> the position of the shard's last entry in the ledger; or, where entries before these are missing yet, an
#    array of the id up to which they are relayed
RELAY = _script(
    _WITHDRAWN
    + _POSITIONS
    + """
local shard, count, at = ARGV[1], tonumber(ARGV[3]), 4
local done = redis.call('HGET', KEYS[2], shard) or '0-0'
local position = redis.call('HGET', KEYS[2], shard .. ':position') or ''
if is_after(ARGV[2], done) then return {done} end
redis.call('GET', KEYS[4])
for _ = 1, count do
  local id, writer, payload, marks = unpack(ARGV, at, at + 3)
  at = at + 4
  if is_after(id, done) then
    local changes = changes_of(KEYS[3], at, tonumber(marks))
    if payload ~= '' then position = redis.call('XADD', KEYS[1], '*', 'w', writer, 'p', payload) end
    change(KEYS[3], KEYS[4], writer, changes)
    if marks ~= '0' then redis.call('HINCRBY', KEYS[2], 'marks', 1) end
    redis.call('HSET', KEYS[2], shard, id, shard .. ':position', position)
    done = id
  end
  at = at + 2 * tonumber(marks)
end
return position
"""
)

# KEYS: the withdrawn items, their version, then a key for each item
# ARGV: name, id and 1 or 0 of each item, then the digests of their records
MEND_WITHDRAWN = _script(
    _WITHDRAWN
    + """
local items, changes = #KEYS - 2, {}
for _, pair in ipairs(changes_of(KEYS[1], 2, items)) do
  local item = pair / 2
  local record = redis.call('GET', KEYS[2 + item])
  local digest = record and redis.sha1hex(record) or ''
  if digest == ARGV[1 + 2 * items + item] then table.insert(changes, pair) end
end
change(KEYS[1], KEYS[2], ARGV[1], changes)
"""
)

# The same where the records lie elsewhere: the caller has compared them, since it read how often items were
# marked. Where they were marked again meanwhile, it has to compare anew.
# KEYS: relayed, the withdrawn items, their version     ARGV: name, how often, count, id and 1 or 0 of each
# -> 1 where it is done
MEND_SHARED = _script(
    _WITHDRAWN
    + """
if (redis.call('HGET', KEYS[1], 'marks') or '0') ~= ARGV[2] then return 0 end
redis.call('GET', KEYS[3])
change(KEYS[2], KEYS[3], ARGV[1], changes_of(KEYS[2], 4, tonumber(ARGV[3])))
return 1
"""
)

# KEYS: item id -> row, item ids in row order     ARGV: item ids     -> their rows
INTERN = _script(
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
LEAD = _script(
    """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
)

# KEYS: experiments, their log     ARGV: digest of what was found, what it becomes, the entry of the log
PUT_EXPERIMENTS = _script(
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

# KEYS: snapshot head, ledger, last dropped position
# ARGV: position, writer, own position, prefix of chunk keys, chunks, margin in ms, ms the old chunks live on
# The chunks were written before, to expire by themselves; from here on they stay, and the old ones go.
SAVE_SNAPSHOT = _script(
    _POSITIONS
    + """
local position, writer, own, chunk_key, chunks, margin, linger = unpack(ARGV)
local old = redis.call('HMGET', KEYS[1], 'position', 'chunk_key', 'chunks')
if old[1] and is_after(old[1], position) then
  return redis.error_reply('FENCED the kept snapshot is at ' .. old[1] .. ', this one at ' .. position)
end
redis.call('HSET', KEYS[1], 'position', position, 'writer', writer, 'own_position', own,
  'chunk_key', chunk_key, 'chunks', chunks)
for n = 0, tonumber(chunks) - 1 do redis.call('PERSIST', chunk_key .. n) end
if old[1] then
  for n = 0, tonumber(old[3]) - 1 do redis.call('PEXPIRE', old[2] .. n, linger) end
end
local oldest = parts(position) - tonumber(margin)
if oldest <= 0 then return 'OK' end
local dropped = redis.call('XREVRANGE', KEYS[2], string.format('(%.0f-0', oldest), '-', 'COUNT', 1)
if dropped[1] then
  redis.call('SET', KEYS[3], dropped[1][1])
  redis.call('XTRIM', KEYS[2], 'MINID', string.format('%.0f-0', oldest))
end
return 'OK'
"""
)

# KEYS: the notes of an experiment's sums     ARGV: the newest note, how many are kept at most
NOTE_SUMS = _script(
    """
local count = redis.call('RPUSH', KEYS[1], ARGV[1])
if count <= tonumber(ARGV[2]) then return count end
local notes = redis.call('LRANGE', KEYS[1], 0, -1)
redis.call('DEL', KEYS[1])
for at = 1, count - 1, 2 do redis.call('RPUSH', KEYS[1], notes[at]) end
return redis.call('RPUSH', KEYS[1], notes[count])
"""
)

# KEYS: the active model, the list of activations     ARGV: model, how many activations are kept at most
ACTIVATE = _script(
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

# A hash: the name of a worker -> when it was written, when it expires (ms of the server's clock), the report.
# KEYS: the reports     ARGV: worker, report, ms it lives (0: none)
PUT_REPORT = _script(
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
PUT_NOTE = _script(
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
PUT_NOTE_ABOUT = _script(
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
