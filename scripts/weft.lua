-- Wireshark dissector for the clear part of weft's data path: type, key epoch, receiver index,
-- packet number, and how much is sealed behind them. The frames are encrypted and stay closed.
-- The bytes are specified in engine/wire/FORMAT.md §2.
--
-- Use:  wireshark -X lua_script:scripts/weft.lua capture.pcapng  (or copy it to the plugins folder)
--   then, because weft has no fixed UDP port, one of
--   - Decode As … : UDP port -> WEFT                (tshark: -d udp.port==24000,weft)
--   - Preferences / Protocols / WEFT / "Guess" (tshark: -o weft.guess:TRUE): every UDP datagram
--     that looks like weft, and that no other dissector claims first, is shown as weft. Off by
--     default, because three fixed bytes are a weak sign.

local HEADER_BYTES, TAG_BYTES = 16, 16
local TYPE_DATA = 0x01

local weft = Proto("weft", "weft data path")

local types = { [TYPE_DATA] = "data" }
local f_type = ProtoField.uint8("weft.type", "Type", base.HEX, types)
local f_epoch = ProtoField.uint8("weft.epoch", "Key epoch (low 8 bits)", base.DEC)
local f_reserved = ProtoField.uint16("weft.reserved", "Reserved", base.HEX)
local f_index = ProtoField.uint32("weft.receiver_index", "Receiver index", base.HEX)
local f_number = ProtoField.uint64("weft.packet_number", "Packet number", base.DEC)
local f_sealed = ProtoField.bytes("weft.sealed", "Sealed frames")
local f_sealed_bytes = ProtoField.uint32("weft.sealed_bytes", "Sealed length", base.DEC)
local f_tag = ProtoField.bytes("weft.tag", "Tag")
weft.fields = { f_type, f_epoch, f_reserved, f_index, f_number, f_sealed, f_sealed_bytes, f_tag }

local e_short = ProtoExpert.new("weft.short", "Shorter than header, one frame byte and tag",
                                expert.group.MALFORMED, expert.severity.ERROR)
local e_type = ProtoExpert.new("weft.unknown_type", "Unknown packet type: a receiver drops it",
                               expert.group.PROTOCOL, expert.severity.WARN)
local e_reserved = ProtoExpert.new("weft.reserved_set", "Reserved bytes set: a receiver drops it",
                                   expert.group.PROTOCOL, expert.severity.WARN)
local e_number = ProtoExpert.new("weft.number_too_large", "Packet number above 2^62 - 1: dropped",
                                 expert.group.PROTOCOL, expert.severity.WARN)
-- Wireshark switches every heuristic of a Lua script on at once; hence a preference of our own.
weft.prefs.guess = Pref.bool("Guess", false, "Show every UDP datagram that looks like weft as weft")
weft.experts = { e_short, e_type, e_reserved, e_number }

function weft.dissector(buffer, pinfo, tree)
  pinfo.cols.protocol = "WEFT"
  local bytes = buffer:reported_length_remaining()
  local sub = tree:add(weft, buffer())
  if bytes <= HEADER_BYTES + TAG_BYTES or buffer:len() < HEADER_BYTES then
    sub:add_proto_expert_info(e_short)
    pinfo.cols.info = string.format("too short: %d bytes", bytes)
    return buffer:len()
  end

  local sealed = bytes - HEADER_BYTES - TAG_BYTES
  local type = buffer(0, 1):uint()
  local type_item = sub:add(f_type, buffer(0, 1))
  if types[type] == nil then type_item:add_proto_expert_info(e_type) end
  sub:add(f_epoch, buffer(1, 1))
  local reserved_item = sub:add(f_reserved, buffer(2, 2))
  if buffer(2, 2):uint() ~= 0 then reserved_item:add_proto_expert_info(e_reserved) end
  sub:add(f_index, buffer(4, 4))
  local number_item = sub:add(f_number, buffer(8, 8))
  if buffer(8, 1):uint() >= 0x40 then number_item:add_proto_expert_info(e_number) end
  sub:add(f_sealed_bytes, sealed):set_generated()
  -- A capture may be cut (snap length): show what is there.
  if buffer:len() >= bytes then
    sub:add(f_sealed, buffer(HEADER_BYTES, sealed))
    sub:add(f_tag, buffer(HEADER_BYTES + sealed, TAG_BYTES))
  end

  pinfo.cols.info = string.format("%s  lane %08x  #%s  epoch %d  sealed %d", types[type] or "?",
                                  buffer(4, 4):uint(), tostring(buffer(8, 8):uint64()),
                                  buffer(1, 1):uint(), sealed)
  return buffer:len()
end

-- Known type, reserved bytes zero, packet number within its range, long enough.
local function looks_like_weft(buffer, pinfo, tree)
  if not weft.prefs.guess then return false end
  if buffer:reported_length_remaining() <= HEADER_BYTES + TAG_BYTES then return false end
  if buffer:len() < HEADER_BYTES then return false end
  if types[buffer(0, 1):uint()] == nil or buffer(2, 2):uint() ~= 0 then return false end
  if buffer(8, 1):uint() >= 0x40 then return false end
  weft.dissector(buffer, pinfo, tree)
  return true
end

DissectorTable.get("udp.port"):add_for_decode_as(weft)
weft:register_heuristic("udp", looks_like_weft)
