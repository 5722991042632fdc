"""Functions in Lua that several transactions share."""

from __future__ import annotations

# The list of withdrawn items is a sorted set. An item's score is twice the number of the change that put it
# there, or took it off; one more where it was put there. So what changed since is a range of scores, and an
# item that came back stays until it is withdrawn again. The version is who began the list, and that number.
#     changes_of(list, at, count)    of the pairs of an item and '1' or '0' in ARGV from `at` on, those that
#                                    change something
#     change(list, version, name, changes)    `name` begins the list where there is none
WITHDRAWN = """
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
POSITIONS = """
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
NOTE_PARTS = """
local function note_ts(packed) return tonumber(string.match(packed, '^%d+:(%d+):')) end
"""
