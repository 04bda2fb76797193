// /rest/system and /rest/noauth: who this daemon is, how it is, whom it is linked to.
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "bep/proto/device_id.hh"
#include "engine/api/handlers.hh"
#include "engine/api/json_text.hh"
#include "engine/api/text.hh"

namespace weft::api {
namespace {

struct Memory {
  std::uint64_t resident = 0, mapped = 0;
};

Memory memory() {
  Memory out;
  std::ifstream file("/proc/self/statm");
  std::uint64_t mapped_pages = 0, resident_pages = 0;
  if (!(file >> mapped_pages >> resident_pages)) return out;   // no /proc: zeros say "unknown"
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  out.resident = resident_pages * page;
  out.mapped = mapped_pages * page;
  return out;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Of one link, as Syncthing 2 shows a primary and its secondaries.
Json link_json(const run::LinkStatus& link, const std::string& now) {
  return Json{{"at", now},
              {"startedAt", rfc3339(link.started_unix_ms)},
              {"inBytesTotal", link.bytes_in},
              {"outBytesTotal", link.bytes_out},
              {"address", link.address},
              {"type", link.type},
              {"crypto", link.crypto}};
}

Json connection_json(const run::DeviceStatus& device, const std::string& now) {
  const std::string client = device.client_name == "syncthing" || device.client_name.empty()
                                 ? device.client_version
                                 : device.client_name + " " + device.client_version;
  const run::LinkStatus none, &primary = device.connected() ? device.links.front() : none;
  std::uint64_t in = 0, out = 0;
  for (const run::LinkStatus& link : device.links) {
    in += link.bytes_in;
    out += link.bytes_out;
  }
  Json json{{"at", device.connected() ? now : rfc3339(0)},
            {"startedAt", rfc3339(primary.started_unix_ms)},
            {"inBytesTotal", in},
            {"outBytesTotal", out},
            {"connected", device.connected()},
            {"paused", device.paused},
            {"clientVersion", client},
            {"address", primary.address},
            {"type", primary.type},
            {"crypto", primary.crypto}};
  if (!device.connected()) return json;
  json["primary"] = link_json(primary, now);
  for (std::size_t i = 1; i < device.links.size(); ++i) json["secondary"].push_back(link_json(device.links[i], now));
  return json;
}

}  // namespace

Response get_ping(const Context&, const Call&) { return answer_json(Json{{"ping", "pong"}}); }

Response get_health(const Context&, const Call&) { return answer_json(Json{{"status", "OK"}}); }

Response get_system_status(const Context& context, const Call&) {
  const run::SystemStatus status = context.source.system_status();
  const Memory used = memory();
  Json listeners = Json::object();
  for (const net::ListenerStatus& listener : status.listeners) {
    Json addresses = Json::array();
    if (!listener.actual.empty()) addresses.push_back(listener.actual);
    listeners[listener.configured] = Json{
        {"error", null_if_empty(listener.error)}, {"lanAddresses", addresses}, {"wanAddresses", Json::array()}};
  }
  Json dials = Json::object();
  for (const net::DialStatus& dial : status.dials)
    dials[dial.address] = Json{{"when", rfc3339(dial.when_unix_ms)}, {"error", null_if_empty(dial.error)}};
  return answer_json(Json{{"alloc", used.resident},
                          {"sys", used.mapped},
                          {"goroutines", 0},     // there are none; tray programs want the number
                          {"cpuPercent", 0},
                          {"myID", proto::to_text(status.self)},
                          {"pathSeparator", "/"},
                          {"startTime", rfc3339(status.started_unix_ms)},
                          {"uptime", status.uptime_s},
                          {"tilde", environment("HOME")},
                          {"urVersionMax", 3},
                          {"guiAddressUsed", context.gui_address},
                          {"guiAddressOverridden", !environment("STGUIADDRESS").empty()},
                          {"connectionServiceStatus", listeners},
                          {"lastDialStatus", dials},
                          {"discoveryEnabled", false}});
}

Response get_version(const Context&, const Call&) {
  utsname system{};
  const std::string machine = ::uname(&system) == 0 ? system.machine : "";
  const std::string arch = machine == "x86_64" ? "amd64" : machine == "aarch64" ? "arm64" : machine;
  return answer_json(Json{{"arch", arch},
                          {"codename", "weft"},
                          {"date", rfc3339(0)},  // builds are reproducible: no date goes into them
                          {"isBeta", false},
                          {"isCandidate", false},
                          {"isRelease", true},
                          {"longVersion", std::string("weft ") + version() + " (linux-" + arch + ")"},
                          {"os", "linux"},
                          {"stamp", "0"},
                          {"tags", Json::array()},
                          {"user", ""},
                          {"version", version()}});
}

Response get_connections(const Context& context, const Call&) {
  const std::string now = rfc3339(unix_ms_now());
  Json connections = Json::object();
  // Syncthing 1.19 lists its own device as one that is not connected, and clients of it count on that.
  run::DeviceStatus own;
  own.device = context.self;
  connections[proto::to_text(own.device)] = connection_json(own, now);
  for (const run::DeviceStatus& device : context.source.devices())
    connections[proto::to_text(device.device)] = connection_json(device, now);
  const net::LinkTotals totals = context.source.system_status().link_totals;
  return answer_json(
      Json{{"connections", connections},
           {"total", Json{{"at", now}, {"inBytesTotal", totals.bytes_in}, {"outBytesTotal", totals.bytes_out}}}});
}

Response post_shutdown(const Context& context, const Call&) {
  Response response = answer_json(Json{{"ok", "shutting down"}});
  // After the answer: the event loop may end at once.
  response.after_sent = [&sink = context.sink] { sink.shutdown(); };
  return response;
}

Response post_handover(const Context& context, const Call&) {
  // Checked before the answer, begun after it.
  if (const auto able = context.sink.may_hand_over(); !able) return text_response(409, able.error().text);
  Response response = answer_json(Json{{"ok", "handing over"}});
  response.after_sent = [&sink = context.sink] { sink.hand_over(); };
  return response;
}

}  // namespace weft::api
