#include "engine/run/dial_history.hh"

#include "engine/base/log.hh"

namespace weft::run {
namespace {

std::string key_of(const std::string& address) { return "dial " + address; }

}  // namespace

net::DialRecord IndexDialHistory::of(const base::DeviceId& device, const std::string& address) {
  const auto text = index_.device_fact(device, key_of(address));
  return text ? net::parse_dial_record(*text) : net::DialRecord{};
}

void IndexDialHistory::save(const base::DeviceId& device, const std::string& address, const net::DialRecord& record) {
  if (const auto done = index_.set_device_fact(device, key_of(address), net::to_text(record)); !done)
    base::log(base::Subsystem::kLinks, base::LogLevel::kDebug, "how a dial went was not kept", {{"error", done.error().text}});
}

}  // namespace weft::run
