// `weft status`: asks the daemon of a home by REST.
#include <boost/asio/ip/address.hpp>
#include <ostream>

#include "bep/model/config_xml.hh"
#include "engine/cli/commands.hh"
#include "engine/cli/http_client.hh"
#include "engine/cli/status_text.hh"

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

int status_command(const StatusOptions& options, const Io& io) {
  const auto config = model::load_config(options.home);
  if (!config) return refuse(io, kWrong, config.error());
  if (!config->gui.enabled)
    return refuse(io, kWrong, (options.home / "config.xml").string() +
                                  ": <gui enabled=\"false\"> means that the daemon answers nobody; set it to true");
  HttpAsk ask;
  split_gui_address(config->gui.address, ask);
  ask.headers = {{"X-API-Key", config->gui.api_key}};
  std::string failure;
  const auto get = [&](const char* target) -> std::string {
    if (!failure.empty()) return "";
    ask.target = target;
    auto reply = http_request(ask);
    if (!reply) {
      failure = reply.error() + "; is `weft serve --home " + options.home.string() + "` running?";
    } else if (reply->status != 200) {
      failure = "the daemon at " + config->gui.address + " answers " + std::to_string(reply->status) + ": " +
                reply->body.substr(0, reply->body.find('\n')) + "; does it run on another home?";
    } else {
      return std::move(reply->body);
    }
    return "";
  };
  const StatusAnswers answers{get("/rest/weft/status"), get("/rest/weft/paths"), get("/rest/system/status")};
  if (!failure.empty()) return refuse(io, kFailed, failure);
  if (options.json) {
    io.out << answers.weft_status;
    return kDone;
  }
  const auto text = status_text(answers);
  if (!text) return refuse(io, kFailed, text.error());
  io.out << *text;
  return kDone;
}

}  // namespace weft::cli
