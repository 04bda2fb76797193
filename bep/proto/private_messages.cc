#include "bep/proto/private_messages.hh"

#include <algorithm>
#include <bitset>
#include <string_view>
#include <type_traits>
#include <utility>

#include "bep/proto/names.hh"
#include "bep/proto/pb_convert.hh"
#include "bep/proto/text.hh"

namespace weft::proto {
namespace {

using base::Errc;
using base::fail;
using base::Result;

constexpr std::size_t kAeadsMax = 16;
constexpr std::size_t kShortTextBytesMax = 64;   // of a port's or an AEAD's name
constexpr std::uint32_t kMtuMin = 1280, kMtuMax = 65535;
constexpr std::uint32_t kUdpPortMax = 65535;

std::string_view text_of_address(const base::IpAddress& address) {
  return {reinterpret_cast<const char*>(address.bytes.data()), address.v6 ? 16u : 4u};
}

bool take_short_text(const std::string& from, std::string& to) {
  to = from;
  return to.size() <= kShortTextBytesMax && is_utf8(to);
}

bool take_port(const bep::WeftPort& from, std::uint32_t cores, Offer::Port& to) {
  const std::string& address = from.address();
  if (address.empty()) return true;
  if (address.size() != 4 && address.size() != 16) return false;
  to.address.v6 = address.size() == 16;
  std::memcpy(to.address.bytes.data(), address.data(), address.size());
  to.prefix_len = from.prefix_len();
  to.mtu = from.mtu();
  to.speed_bps = from.speed_bps();
  to.rss_entries = from.rss_entries();
  to.udp_port_base = from.udp_port_base();
  to.role = from.role();
  to.cost = from.cost();
  to.metered = from.metered();
  to.generation = from.generation();
  for (const std::string& name : from.to())
    if (!take_short_text(name, to.to.emplace_back())) return false;
  // One UDP port per core, all of them real.
  return take_short_text(from.name(), to.name) && to.prefix_len <= (to.address.v6 ? 128u : 32u) && to.cost <= kPortCostMax &&
         to.mtu >= kMtuMin && to.mtu <= kMtuMax && to.udp_port_base >= 1 && cores >= 1 &&
         to.udp_port_base <= kUdpPortMax + 1 - cores;
}

Result<PrivateMessage> take(const bep::WeftOffer& from) {
  Offer to;
  to.version = from.version();
  to.cores = from.cores();
  to.receiver_index_base = from.receiver_index_base();
  to.chunk_bytes_max = from.chunk_bytes_max();
  to.requests_max = from.requests_max();
  to.single_path = from.single_path();
  to.never_metered = from.never_metered();
  const std::string& previous = from.session_id_previous();
  if (!previous.empty() && previous.size() != to.session_id_previous.size())
    return fail(Errc::kCorrupt, "OFFER: session ID is not 16 bytes long");
  std::copy_n(bytes_of(previous).begin(), previous.size(), to.session_id_previous.begin());
  if (to.version == 0) return fail(Errc::kCorrupt, "OFFER: version 0");
  if (to.cores > base::kCoresMax) return fail(Errc::kCorrupt, "OFFER: too many cores");
  if (from.ports_size() > 0 && to.chunk_bytes_max < base::kChunkBytesMin)
    return fail(Errc::kCorrupt, "OFFER: chunks are too small");
  const int ports = std::min(from.ports_size(), static_cast<int>(base::kPortsMax));
  for (int i = 0; i < ports; ++i)
    if (!take_port(from.ports(i), to.cores, to.ports.emplace_back()))
      return fail(Errc::kCorrupt, "OFFER: a port is impossible");
  if (static_cast<std::size_t>(from.aeads_size()) > kAeadsMax)
    return fail(Errc::kCorrupt, "OFFER: too many AEADs");
  for (const std::string& aead : from.aeads())
    if (!take_short_text(aead, to.aeads.emplace_back()))
      return fail(Errc::kCorrupt, "OFFER: an AEAD's name is impossible");
  return to;
}

Result<PrivateMessage> take(const bep::WeftOpen& from) {
  Open to;
  for (const bep::WeftOpenFile& file : from.files()) {
    Open::File& open = to.files.emplace_back();
    auto version = from_pb(file.version());
    if (!version) return fail(Errc::kCorrupt, "OPEN: version vector names a device twice");
    open.version = *std::move(version);
    open.open_id = file.open_id();
    open.folder = file.folder();
    open.name = file.name();
    open.size = file.size();
    open.block_size = file.block_size();
    open.core = file.core();
    if (!is_utf8(open.folder)) return fail(Errc::kCorrupt, "OPEN: folder is not UTF-8");
    if (!is_valid_name(open.name))
      return fail(Errc::kCorrupt, "OPEN: invalid file name");
    if (open.size < 0) return fail(Errc::kCorrupt, "OPEN: negative size");
    if (open.block_size <= 0 || open.block_size > static_cast<std::int32_t>(base::kBlockBytesMax))
      return fail(Errc::kCorrupt, "OPEN: impossible block size");
    if (open.core >= base::kCoresMax) return fail(Errc::kCorrupt, "OPEN: impossible core");
  }
  return to;
}

Result<PrivateMessage> take(const bep::WeftGrant& from) {
  Grant to;
  for (const bep::WeftGranted& file : from.files())
    to.files.push_back({file.open_id(), file.handle(), file.error()});
  return to;
}

Result<PrivateMessage> take(const bep::WeftRelease& from) {
  return Release{{from.handles().begin(), from.handles().end()}};
}

Result<PrivateMessage> take(const bep::WeftPaths& from) {
  Paths to;
  to.number = from.number();
  to.by_low = from.by_low();
  to.pinned = from.pinned();
  if (to.number > Paths::kNumberMax) return fail(Errc::kCorrupt, "PATHS: impossible number");
  std::bitset<base::kPathsMax> named;
  for (const bep::WeftPathUse& entry : from.paths()) {
    const std::uint32_t part = entry.part() == 0 ? Paths::kWholeWindow : entry.part();
    if (entry.path() >= base::kPathsMax || entry.use() > Paths::kUseMax || part > Paths::kWholeWindow ||
        entry.life() > Paths::kLifeMax)
      return fail(Errc::kCorrupt, "PATHS: a path is impossible");
    if (named.test(entry.path())) return fail(Errc::kCorrupt, "PATHS: a path is named twice");
    named.set(entry.path());
    to.paths.push_back({entry.path(), entry.use(), part, entry.life()});
  }
  return to;
}

template <typename Message> Result<PrivateMessage> parse_and_take(base::Bytes bytes) {
  Message message;
  if (!parse(bytes, message)) return fail(Errc::kCorrupt, "weft message does not decode");
  return take(message);
}

// Everything that repeats, counted before protobuf makes objects of it.
base::Status check_bounds(MessageType type, base::Bytes bytes) {
  constexpr std::uint32_t kPortsField = 3, kPortsToField = 8, kAeadsField = 5, kFilesField = 1, kVersionField = 4,
                          kPathsField = 4;
  if (bytes.size() > kPrivateBytesMax) return fail(Errc::kCorrupt, "weft message is too long");
  const bool offer = type == MessageType::kOffer;
  const bool paths = type == MessageType::kPaths;
  const auto first = count_entries(bytes, offer ? kPortsField : paths ? kPathsField : kFilesField);
  const auto second = offer ? count_entries(bytes, kAeadsField) : std::size_t{0};
  if (!first || !second) return fail(Errc::kCorrupt, "weft message does not decode");
  if (*first > kPrivateEntriesMax || *second > kPrivateEntriesMax)
    return fail(Errc::kCorrupt, "weft message has too many entries");
  const auto port_is_bounded = [](base::Bytes port) {
    const auto names = count_entries(port, kPortsToField);
    return names && *names <= base::kPortsMax;
  };
  if (offer && !for_each_entry(bytes, kPortsField, port_is_bounded))
    return fail(Errc::kCorrupt, "OFFER: a port names too many others");
  const auto open_is_bounded = [](base::Bytes file) {
    return for_each_entry(file, kVersionField, vector_is_bounded);
  };
  if (type == MessageType::kOpen && !for_each_entry(bytes, kFilesField, open_is_bounded))
    return fail(Errc::kCorrupt, "OPEN: version vector is too long");
  return {};
}

void put(const Offer& from, bep::WeftOffer& to) {
  MUST(from.ports.size() <= base::kPortsMax);
  MUST(from.aeads.size() <= kAeadsMax);
  constexpr std::array<std::byte, 16> kNoSession{};
  if (from.session_id_previous != kNoSession)
    to.set_session_id_previous(from.session_id_previous.data(), from.session_id_previous.size());
  to.set_version(from.version);
  for (const Offer::Port& port : from.ports) {
    bep::WeftPort& entry = *to.add_ports();
    if (!port.exists()) continue;
    entry.set_address(std::string(text_of_address(port.address)));
    entry.set_prefix_len(port.prefix_len);
    entry.set_mtu(port.mtu);
    entry.set_speed_bps(port.speed_bps);
    entry.set_rss_entries(port.rss_entries);
    entry.set_udp_port_base(port.udp_port_base);
    entry.set_role(port.role);
    entry.set_cost(port.cost);
    entry.set_metered(port.metered);
    entry.set_generation(port.generation);
    entry.set_name(std::string(cut_utf8(port.name, kShortTextBytesMax)));
    MUST(port.to.size() <= base::kPortsMax);
    for (const std::string& name : port.to) entry.add_to(std::string(cut_utf8(name, kShortTextBytesMax)));
  }
  to.set_cores(from.cores);
  for (const std::string& aead : from.aeads) to.add_aeads(aead);
  to.set_receiver_index_base(from.receiver_index_base);
  to.set_chunk_bytes_max(from.chunk_bytes_max);
  to.set_requests_max(from.requests_max);
  to.set_single_path(from.single_path);
  to.set_never_metered(from.never_metered);
}

void put(const Open& from, bep::WeftOpen& to) {
  MUST(from.files.size() <= kPrivateEntriesMax);
  for (const Open::File& file : from.files) {
    bep::WeftOpenFile& entry = *to.add_files();
    entry.set_open_id(file.open_id);
    entry.set_folder(file.folder);
    entry.set_name(file.name);
    to_pb(file.version, *entry.mutable_version());
    entry.set_size(file.size);
    entry.set_block_size(file.block_size);
    entry.set_core(file.core);
  }
}

void put(const Grant& from, bep::WeftGrant& to) {
  MUST(from.files.size() <= kPrivateEntriesMax);
  for (const Grant::File& file : from.files) {
    bep::WeftGranted& entry = *to.add_files();
    entry.set_open_id(file.open_id);
    entry.set_handle(file.handle);
    entry.set_error(file.error);
  }
}

void put(const Release& from, bep::WeftRelease& to) {
  MUST(from.handles.size() <= kPrivateEntriesMax);
  to.mutable_handles()->Add(from.handles.begin(), from.handles.end());
}

void put(const Paths& from, bep::WeftPaths& to) {
  MUST(from.paths.size() <= base::kPathsMax);
  to.set_number(from.number);
  to.set_by_low(from.by_low);
  to.set_pinned(from.pinned);
  for (const Paths::Entry& path : from.paths) {
    bep::WeftPathUse& entry = *to.add_paths();
    entry.set_path(path.path);
    entry.set_use(path.use);
    entry.set_part(path.part);
    entry.set_life(path.life);
  }
}

template <typename Pb, typename Message> std::vector<std::byte> encode_as(const Message& message) {
  Pb to;
  put(message, to);
  std::vector<std::byte> out;
  append_message(to, out);
  return out;
}

}  // namespace

MessageType type_of(const PrivateMessage& message) noexcept {
  constexpr MessageType kTypes[] = {MessageType::kOffer, MessageType::kOpen, MessageType::kGrant,
                                    MessageType::kRelease, MessageType::kPaths};
  static_assert(std::variant_size_v<PrivateMessage> == std::size(kTypes));
  return kTypes[message.index()];
}

std::vector<std::byte> encode_private(const PrivateMessage& message) {
  if (const auto* offer = std::get_if<Offer>(&message)) return encode_as<bep::WeftOffer>(*offer);
  if (const auto* open = std::get_if<Open>(&message)) return encode_as<bep::WeftOpen>(*open);
  if (const auto* grant = std::get_if<Grant>(&message)) return encode_as<bep::WeftGrant>(*grant);
  if (const auto* paths = std::get_if<Paths>(&message)) return encode_as<bep::WeftPaths>(*paths);
  const auto* release = std::get_if<Release>(&message);
  MUST(release != nullptr);
  return encode_as<bep::WeftRelease>(*release);
}

base::Result<PrivateMessage> decode_private(MessageType type, base::Bytes bytes) {
  if (!is_private(type)) return fail(Errc::kUnsupported, "not a weft message");
  TRY(check_bounds(type, bytes));
  switch (type) {
    case MessageType::kOffer: return parse_and_take<bep::WeftOffer>(bytes);
    case MessageType::kOpen: return parse_and_take<bep::WeftOpen>(bytes);
    case MessageType::kGrant: return parse_and_take<bep::WeftGrant>(bytes);
    case MessageType::kPaths: return parse_and_take<bep::WeftPaths>(bytes);
    default: break;
  }
  auto release = parse_and_take<bep::WeftRelease>(bytes);
  // Packed numbers are one field however many they are: counted again.
  if (release && std::get_if<Release>(&*release)->handles.size() > kPrivateEntriesMax)
    return fail(Errc::kCorrupt, "RELEASE: too many handles");
  return release;
}

std::uint32_t grant_error_of(base::Errc code) noexcept {
  return static_cast<std::uint32_t>(code) + 1;
}

base::Errc errc_of_grant_error(std::uint32_t error) noexcept {
  const bool known = error >= 1 && error <= grant_error_of(Errc::kUnavailable);
  return known ? static_cast<Errc>(error - 1) : Errc::kUnavailable;
}

}  // namespace weft::proto
