"""The transactions that mend the list of withdrawn items."""

from __future__ import annotations

from streams.stores.redis.scripts.fragments import WITHDRAWN
from streams.stores.redis.scripts.script import script_of

# KEYS: the withdrawn items, their version, then a key for each item
# ARGV: name, id and 1 or 0 of each item, then the digests of their records
MEND_WITHDRAWN = script_of(
    WITHDRAWN
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
MEND_SHARED = script_of(
    WITHDRAWN
    + """
if (redis.call('HGET', KEYS[1], 'marks') or '0') ~= ARGV[2] then return 0 end
redis.call('GET', KEYS[3])
change(KEYS[2], KEYS[3], ARGV[1], changes_of(KEYS[2], 4, tonumber(ARGV[3])))
return 1
"""
)
