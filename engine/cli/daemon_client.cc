#include "engine/cli/daemon_client.hh"

#include <boost/asio/ip/address.hpp>
#include <utility>

#include "bep/model/config_xml.hh"
#include "engine/cli/commands.hh"

namespace weft::cli {
namespace {

// The address that reaches the daemon from this machine: one that listens everywhere is asked at loopback.
void split_gui_address(const std::string& address, HttpAsk& ask) {
  const std::size_t colon = address.rfind(':');
  ask.port = colon == std::string::npos ? "" : address.substr(colon + 1);
  ask.host = address.substr(0, colon == std::string::npos ? address.size() : colon);
  if (ask.host.size() > 2 && ask.host.front() == '[') ask.host = ask.host.substr(1, ask.host.size() - 2);
  boost::system::error_code error;
  const auto ip = boost::asio::ip::make_address(ask.host, error);
  if (ask.host.empty() || (!error && ip.is_unspecified())) ask.host = !error && ip.is_v6() ? "::1" : "127.0.0.1";
}

}  // namespace

tl::expected<DaemonClient, DaemonClient::Refusal> DaemonClient::of_home(const std::filesystem::path& home) {
  const auto config = model::load_config(home);
  if (!config) return tl::unexpected(Refusal{kWrong, config.error()});
  if (!config->gui.enabled)
    return tl::unexpected(Refusal{kWrong, (home / "config.xml").string() + ": <gui enabled=\"false\"> means that the "
                                          "daemon answers nobody; set it to true"});
  DaemonClient client;
  client.home_ = home;
  client.address_ = config->gui.address;
  split_gui_address(config->gui.address, client.ask_);
  client.ask_.headers = {{"X-API-Key", config->gui.api_key}};
  return client;
}

tl::expected<std::string, DaemonClient::Refusal> DaemonClient::ask(const std::string& method, const std::string& target,
                                                                   const std::string& body) {
  ask_.method = method;
  ask_.target = target;
  ask_.body = body;
  auto reply = http_request(ask_);
  if (!reply)
    return tl::unexpected(
        Refusal{kFailed, reply.error() + "; is `weft serve --home " + home_.string() + "` running?"});
  if (reply->status == 200) return std::move(reply->body);
  const std::string line = reply->body.substr(0, reply->body.find('\n'));
  const bool about_the_order = reply->status == 400 || reply->status == 409 ||
                               (method != "GET" && (reply->status == 404 || reply->status == 504));
  if (about_the_order) return tl::unexpected(Refusal{kWrong, line});
  return tl::unexpected(Refusal{kFailed, "the daemon at " + address_ + " answers " + std::to_string(reply->status) +
                                             ": " + line + "; does it run on another home?"});
}

}  // namespace weft::cli
