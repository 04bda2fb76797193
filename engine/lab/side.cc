// Includes nlohmann-json.
#include "engine/lab/side.hh"

#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/api/url.hh"

namespace weft::lab {

using Json = nlohmann::json;

namespace {

std::uint64_t micros(double ms) { return static_cast<std::uint64_t>(std::llround(ms * 1e3)); }
double seconds(const Json& json, const char* key) { return json.at(key).get<double>() / 1e6; }

Meter meter_of(const Json& json, const std::string& peer) {
  Meter meter;
  meter.now_s = seconds(json, "now_us");
  meter.verified = json.at("bytes_verified").get<std::uint64_t>();
  meter.via_link = json.at("bytes_via_link").get<std::uint64_t>();
  for (const Json& path : json.at("paths")) {
    if (path.at("device").get<std::string>() != peer) continue;
    const std::string state = path.at("state").get<std::string>();
    meter.paths.push_back({.port = path.at("port").get<std::string>(),
                           .remote_port = path.at("remote_port").get<std::string>(),
                           .usable = state == "active" || state == "standby",
                           .bytes_in = path.at("chunk_bytes_in").get<std::uint64_t>(),
                           .duplicate = path.at("duplicate_bytes").get<std::uint64_t>(),
                           .retransmitted = path.at("retransmitted_bytes").get<std::uint64_t>()});
  }
  for (const Json& stall : json.at("stalls"))
    meter.stalls.push_back({stall.at("number").get<std::uint64_t>(), seconds(stall, "began_us"),
                            seconds(stall, "lasted_us")});
  if (!json.at("last_block_us").is_null()) meter.last_block_s = seconds(json, "last_block_us");
  return meter;
}

About about_of(const Json& json, const std::string& folder) {
  About about;
  about.device = json.at("my_id").get<std::string>();
  about.impair_allowed = json.at("impair_allowed").get<bool>();
  for (const Json& port : json.at("ports")) about.ports.push_back(port.at("name").get<std::string>());
  for (const Json& one : json.at("folders"))
    if (one.at("id").get<std::string>() == folder) about.folder_path = one.at("path").get<std::string>();
  return about;
}

FolderState folder_of(const Json& json) {
  return {.idle = json.at("state").get<std::string>() == "idle",
          .global_bytes = json.at("globalBytes").get<std::uint64_t>(),
          .need_items = json.at("needTotalItems").get<std::uint64_t>()};
}

}  // namespace

std::string impairment_body(const LinkNow& link) {
  Json body{{"delay_us", micros(link.shape.delay_ms)},
            {"jitter_us", micros(link.shape.jitter_ms)},
            {"drop_rate", link.shape.loss_percent / 100},
            {"rate_Bps", static_cast<std::uint64_t>(std::llround(link.shape.rate_mbit * 1e6 / 8))},
            {"queue_us", micros(link.shape.queue_ms)},
            {"blackhole", link.silent},
            {"link_down", link.down},
            {"direction", link.silent ? "both" : "tx"}};
  if (link.seed != 0) body["seed"] = link.seed;
  return body.dump();
}

Side::Side(Rest& rest, std::string name, std::string host, std::string port, std::string api_key, std::string folder)
    : rest_(rest), name_(std::move(name)), folder_(std::move(folder)) {
  ask_.host = std::move(host);
  ask_.port = std::move(port);
  ask_.api_key = std::move(api_key);
}

ConfigResult<std::string> Side::ask(const char* method, const std::string& target, const std::string& body) {
  RestAsk ask = ask_;
  ask.method = method;
  ask.target = target;
  ask.body = body;
  auto answer = rest_.call(ask);
  if (!answer) return tl::unexpected("side " + name_ + ": " + answer.error());
  if (answer->status != 200)
    return tl::unexpected("side " + name_ + " answers " + std::to_string(answer->status) + " to " + method + " " +
                          target +
                          ": " + answer->body.substr(0, answer->body.find('\n')));
  return std::move(answer->body);
}

// Parses an answer by `read`; what is not of its shape is another version's.
template <typename Read>
static auto parsed(const ConfigResult<std::string>& text, const std::string& name, Read read)
    -> ConfigResult<decltype(read(Json()))> {
  if (!text) return tl::unexpected(text.error());
  try {
    return read(Json::parse(*text));
  } catch (const nlohmann::json::exception& error) {
    return tl::unexpected("side " + name + ": its answer is not understood (another version of weft?): " +
                          error.what());
  }
}

bool Side::answers() { return ask("GET", "/rest/system/ping").has_value(); }

ConfigResult<About> Side::about() {
  return parsed(ask("GET", "/rest/weft/status"), name_, [this](const Json& json) { return about_of(json, folder_); });
}

ConfigResult<std::string> Side::listen_address() {
  return parsed(ask("GET", "/rest/system/status"), name_, [](const Json& json) -> std::string {
    for (const auto& [configured, listener] : json.at("connectionServiceStatus").items())
      for (const Json& address : listener.at("lanAddresses")) return address.get<std::string>();
    return "";
  });
}

ConfigResult<Meter> Side::meter(std::uint64_t after_stall, const std::string& peer) {
  return parsed(ask("GET", "/rest/weft/meter?since=" + std::to_string(after_stall)), name_,
                [&](const Json& json) { return meter_of(json, peer); });
}

ConfigResult<FolderState> Side::folder() {
  return parsed(ask("GET", "/rest/db/status?folder=" + api::percent_encode(folder_)), name_, folder_of);
}

ConfigResult<bool> Side::has_link_to(const std::string& peer) {
  return parsed(ask("GET", "/rest/weft/status"), name_, [&](const Json& json) {
    for (const Json& device : json.at("devices"))
      if (device.at("device").get<std::string>() == peer) return device.at("connected").get<bool>();
    return false;
  });
}

ConfigResult<void> Side::impair(const std::string& port, const LinkNow& link) {
  const auto done = ask("POST", "/rest/weft/ports/" + api::percent_encode(port) + "/impair", impairment_body(link));
  if (!done) return tl::unexpected(done.error());
  return {};
}

ConfigResult<void> Side::set_policy(const std::string& policy) {
  const auto done = ask("PUT", "/rest/weft/scheduler", Json{{"policy", policy}}.dump());
  if (!done) return tl::unexpected(done.error());
  return {};
}

ConfigResult<void> Side::scan() {
  const auto done = ask("POST", "/rest/db/scan?folder=" + api::percent_encode(folder_));
  if (!done) return tl::unexpected(done.error());
  return {};
}

bool Side::shutdown() { return ask("POST", "/rest/system/shutdown").has_value(); }

}  // namespace weft::lab
