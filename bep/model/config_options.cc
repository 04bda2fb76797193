// The elements <gui> and <options> of config.xml.
#include <algorithm>
#include <cstdlib>

#include "bep/model/config_reader.hh"

namespace weft::model {
namespace {

void read_listen_addresses(pugi::xml_node node, Config& config) {
  auto& listen = config.options.listen_addresses;
  const std::string fallback = "tcp://0.0.0.0:" + std::to_string(kBepPort);
  bool given = false;
  for (const auto& child : node.children("listenAddress")) {
    given = true;
    const std::string text = ConfigReader::trimmed(child.child_value());
    const std::string address = text == "default" ? fallback : text;
    if (address.empty()) continue;
    if (!address.starts_with("tcp")) {
      notice_if(config, true,
                "<listenAddress> " + address + " is left out: weft listens on tcp:// only");
      continue;
    }
    if (std::find(listen.begin(), listen.end(), address) == listen.end()) listen.push_back(address);
  }
  if (!given) listen.push_back(fallback);
}

}  // namespace

void notice_if(Config& config, bool set, const std::string& what) {
  if (set) config.notices.push_back("config.xml: " + what);
}

void read_gui(ConfigReader& reader, pugi::xml_node node, Config& config) {
  GuiConfig& gui = config.gui;
  gui.enabled = reader.flag(node, "enabled", true);
  gui.tls = reader.flag(node, "tls", false);
  gui.address = reader.text_or(node, "address", gui.address);
  gui.api_key = reader.text_or(node, "apikey", "");
  gui.user = reader.text_or(node, "user", "");
  gui.password_hash = reader.text_or(node, "password", "");
  gui.skip_host_check = reader.boolean(node, "insecureSkipHostcheck", false);
  if (const char* address = std::getenv("STGUIADDRESS"); address != nullptr && *address != 0)
    gui.address = address;
  if (const char* key = std::getenv("STGUIAPIKEY"); key != nullptr && *key != 0) gui.api_key = key;
  if (!gui.enabled) return;
  notice_if(config, !gui.user.empty(),
            "<gui> sets a user, but weft has no login by password yet; use the API key");
  if (gui.address.starts_with("/") || gui.address.starts_with("unix:"))
    reader.refuse(node, "<address> is a unix socket, which weft does not support; write HOST:PORT");
  if (gui.tls)
    reader.refuse(
        node,
        "tls is true, but weft serves its API in the clear only; set it to false and keep "
        "the address on 127.0.0.1, or put a TLS proxy in front");
}

void read_options(ConfigReader& reader, pugi::xml_node node, Config& config) {
  OptionsConfig& o = config.options;
  read_listen_addresses(node, config);
  o.reconnection_interval_s =
      std::max(5, reader.number(node, "reconnectionIntervalS", 60, 0, 24 * 3600));
  o.keep_temporaries_h = reader.number(node, "keepTemporariesH", 24, 0, 24 * 365);
  o.progress_update_interval_s = reader.number(node, "progressUpdateIntervalS", 5, -1, 24 * 3600);
  o.incoming_request_kib_max =
      reader.number(node, "maxConcurrentIncomingRequestKiB", 0, -1, 1 << 30);
  o.adaptive_keep_alive_enabled = reader.boolean(node, "adaptiveKeepAliveEnabled", true);
  o.adaptive_keep_alive_min_s = reader.number(node, "adaptiveKeepAliveMinS", 5, 1, 3600);
  o.adaptive_keep_alive_max_s = reader.number(node, "adaptiveKeepAliveMaxS", 120, 1, 3600);
  if (o.adaptive_keep_alive_min_s > o.adaptive_keep_alive_max_s)
    reader.refuse(node,
                  "adaptiveKeepAliveMinS is above adaptiveKeepAliveMaxS; make it the smaller one");
  o.multipath_enabled = reader.boolean(node, "multipathEnabled", true);
  o.random_ports_enabled = reader.boolean(node, "randomPortsEnabled", false);
  o.random_port_range_start =
      static_cast<std::uint16_t>(reader.number(node, "randomPortRangeStart", 1024, 1, 65535));
  o.random_port_range_end =
      static_cast<std::uint16_t>(reader.number(node, "randomPortRangeEnd", 65535, 1, 65535));
  if (o.random_port_range_start > o.random_port_range_end)
    reader.refuse(node,
                  "randomPortRangeStart is above randomPortRangeEnd; make it the smaller one");
  o.random_port_persistence = reader.boolean(node, "randomPortPersistence", true);
  o.replacement_age_threshold_s =
      reader.number(node, "connectionReplacementAgeThreshold", 30, 5, 300);
  o.replacement_priority_threshold =
      reader.number(node, "connectionReplacementPriorityThreshold", 10, 1, 50);
  o.stability_score_min = reader.number(node, "connectionStabilityMinScore", 70, 0, 100);
  o.priority_tcp_lan = reader.number(node, "connectionPriorityTcpLan", 10, 0, 1 << 20);
  o.priority_tcp_wan = reader.number(node, "connectionPriorityTcpWan", 30, 0, 1 << 20);
  o.session_park_s = reader.number(node, "sessionParkS", 600, 0, 24 * 3600);
  constexpr std::pair<const char*, int> kNotSpoken[] = {
      {"connectionPriorityQuicLan", 20}, {"connectionPriorityQuicWan", 40}, {"connectionPriorityRelay", 50}};
  for (const auto& [name, usual] : kNotSpoken)
    notice_if(config, reader.number(node, name, usual, 0, 1 << 20) != usual,
              std::string("<options> sets ") + name + ", which weft has no use for: it speaks neither QUIC nor through relays");
  const bool rates = reader.number(node, "maxSendKbps", 0, 0, INT32_MAX) != 0 ||
                     reader.number(node, "maxRecvKbps", 0, 0, INT32_MAX) != 0;
  notice_if(config, rates, "<options> sets a rate limit, which has no effect yet");
}

}  // namespace weft::model
