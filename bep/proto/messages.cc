#include "bep/proto/messages.hh"

#include <utility>

#include "bep/proto/names.hh"
#include "bep/proto/pb_convert.hh"
#include "bep/proto/text.hh"
#include "bep/proto/wire_fields.hh"

namespace weft::proto {
namespace {

constexpr std::size_t kCloseBytesMax = 1024;   // of a reason that we keep or send

// Index: field numbers of its outer message, which is coded here by hand.
constexpr std::uint32_t kFolderField = 1, kFilesField = 2, kLastField = 3, kPrevField = 4;

Reason check_progress_bounds(base::Bytes bytes) {
  constexpr std::uint32_t kUpdatesField = 2, kVersionField = 3;
  std::size_t updates = 0;
  bool bounded = true;
  const auto visit_update = [&](base::Bytes update) {
    bounded = ++updates <= kProgressUpdatesMax;
    return bounded && for_each_entry(update, kVersionField, vector_is_bounded);
  };
  if (for_each_entry(bytes, kUpdatesField, visit_update)) return Reason::kNone;
  return bounded ? Reason::kMessageBroken : Reason::kMessageTooMany;
}

Reason take_file(base::Bytes bytes, Index& out, IndexFaults& faults) {
  if (out.files.size() == kIndexFilesMax) return Reason::kMessageTooMany;
  DecodedFile decoded = decode_file(bytes);
  if (closes_link(decoded.reason)) {
    faults.broken_name = std::move(decoded.file.name);
    return decoded.reason;
  }
  if (decoded.reason != Reason::kNone) faults.spoilt.count(decoded.reason);
  out.files.push_back(std::move(decoded.file));
  return Reason::kNone;
}

}  // namespace

bool is_private(MessageType type) noexcept {
  return type >= MessageType::kOffer && type <= MessageType::kPaths;
}

void encode(const Index& message, std::vector<std::byte>& out) {
  append_bytes_head(out, kFolderField, message.folder.size());
  append(out, bytes_of(message.folder));
  std::vector<std::byte> one;
  for (const FileInfo& file : message.files) {
    one.clear();
    encode_file(file, one);
    append_bytes_head(out, kFilesField, one.size());
    append(out, one);
  }
  if (message.last_sequence > 0)
    append_varint_field(out, kLastField, static_cast<std::uint64_t>(message.last_sequence));
  if (message.prev_sequence > 0)
    append_varint_field(out, kPrevField, static_cast<std::uint64_t>(message.prev_sequence));
}

Reason decode(base::Bytes bytes, Index& out, IndexFaults& faults) {
  out = {};
  faults = {};
  WireReader reader(bytes);
  for (WireField field; reader.next(field);) {
    const bool text = field.type == WireType::kBytes;
    const bool number = field.type == WireType::kVarint;
    if (field.number == kFolderField && text) {
      out.folder = string_of(field.bytes);
    } else if (field.number == kFilesField && text) {
      const Reason reason = take_file(field.bytes, out, faults);
      if (reason != Reason::kNone) return reason;
    } else if (field.number == kLastField && number) {
      out.last_sequence = static_cast<std::int64_t>(field.value);
    } else if (field.number == kPrevField && number) {
      out.prev_sequence = static_cast<std::int64_t>(field.value);
    }
  }
  return reader.ok() && is_utf8(out.folder) ? Reason::kNone : Reason::kMessageBroken;
}

void encode(const Request& message, std::vector<std::byte>& out) {
  bep::Request to;
  to.set_id(message.id);
  to.set_folder(message.folder);
  to.set_name(message.name);
  to.set_offset(message.offset);
  to.set_size(message.size);
  to.set_hash(string_of(message.hash));
  to.set_from_temporary(message.from_temporary);
  to.set_block_no(message.block_no);
  append_message(to, out);
}

Reason decode(base::Bytes bytes, Request& out) {
  out = {};
  bep::Request from;
  if (!parse(bytes, from) || !is_utf8(from.folder())) return Reason::kMessageBroken;
  out.id = from.id();
  out.folder = from.folder();
  out.name = from.name();
  out.offset = from.offset();
  out.size = from.size();
  if (from.hash().size() == sizeof(base::Sha256)) out.hash = vector_of(from.hash());
  out.hash_unusable = !from.hash().empty() && out.hash.empty();
  out.from_temporary = from.from_temporary();
  out.block_no = from.block_no();
  if (check_name(out.name) != NameFault::kOk) return Reason::kNameInvalid;
  const bool range = out.offset >= 0 && out.size >= 0 && out.size <= kRequestBytesMax &&
                     out.offset <= INT64_MAX - out.size;
  return range ? Reason::kNone : Reason::kRequestRange;
}

void encode(const DownloadProgress& message, std::vector<std::byte>& out) {
  bep::DownloadProgress to;
  to.set_folder(message.folder);
  for (const DownloadProgress::Update& update : message.updates) {
    bep::FileProgress& file = *to.add_updates();
    file.set_update_type(update.forget ? 1 : 0);
    file.set_name(update.name);
    to_pb(update.version, *file.mutable_version());
    file.mutable_block_indexes()->Add(update.block_indexes.begin(), update.block_indexes.end());
    file.set_block_size(update.block_size);
  }
  append_message(to, out);
}

Reason decode(base::Bytes bytes, DownloadProgress& out) {
  out = {};
  const Reason bounds = check_progress_bounds(bytes);
  if (bounds != Reason::kNone) return bounds;
  bep::DownloadProgress from;
  if (!parse(bytes, from) || !is_utf8(from.folder())) return Reason::kMessageBroken;
  out.folder = from.folder();
  for (const bep::FileProgress& file : from.updates()) {
    if (check_name(file.name()) != NameFault::kOk) return Reason::kNameInvalid;
    auto version = from_pb(file.version());
    if (!version) return Reason::kMessageBroken;
    DownloadProgress::Update& to = out.updates.emplace_back();
    to.forget = file.update_type() == 1;
    to.name = file.name();
    to.version = *std::move(version);
    to.block_indexes.assign(file.block_indexes().begin(), file.block_indexes().end());
    to.block_size = file.block_size();
  }
  return Reason::kNone;
}

std::vector<std::byte> encode_close(std::string_view reason) {
  bep::Close to;
  to.set_reason(printable(reason, kCloseBytesMax));
  std::vector<std::byte> out;
  append_message(to, out);
  return out;
}

Reason decode_close(base::Bytes bytes, std::string& reason) {
  bep::Close from;
  if (!parse(bytes, from)) return Reason::kMessageBroken;
  reason = printable(from.reason(), kCloseBytesMax);
  return Reason::kNone;
}

}  // namespace weft::proto
