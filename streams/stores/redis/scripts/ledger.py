"""The transactions of the ledger: entries of the shards' outboxes come to it, and a snapshot takes the place
of its past.
"""

from __future__ import annotations

from streams.stores.redis.scripts.fragments import POSITIONS, WITHDRAWN
from streams.stores.redis.scripts.script import script_of

# Entries of an outbox go to the ledger in their order, each once: `relayed` says up to which they did, and at
# which position the last one is.
# KEYS: ledger, relayed, the withdrawn items, their version
# ARGV: shard, the id after which the entries come, how many, then of each: its id, writer, payload, how many
#       items it marks, and the item and 1 or 0 of each
# -> the position of the shard's last entry in the ledger; or, where entries before these are missing yet, an
#    array of the id up to which they are relayed
RELAY = script_of(
    WITHDRAWN
    + POSITIONS
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

# KEYS: snapshot head, ledger, last dropped position
# ARGV: position, writer, own position, prefix of chunk keys, chunks, margin in ms, ms the old chunks live on
# The chunks were written before, to expire by themselves; from here on they stay, and the old ones go.
SAVE_SNAPSHOT = script_of(
    POSITIONS
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
