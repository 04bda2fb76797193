// The HTTP server of a daemon: REST in Syncthing's shapes, weft's own under /rest/weft, Prometheus at /metrics.
//   socket -> Connection (Beast) -> answer() in gate.hh (host, key, CORS) -> routes.hh (table) -> handlers.hh
// Threads: control; it runs on the given io_context and handlers call StatusSource and CommandSink directly.
// Bounds:  HttpLimits. When all places are taken, a newcomer takes the place of the connection that has waited
//          longest for its next request, so that idle or silent clients never lock others out.
// Life:    the io_context, source and sink outlive it. The destructor closes everything; no handler of ours runs after
//          it, but the io_context must not be asked to run dry while the server lives: its owner stops it.
// Not here: TLS (refused at start, see ServerConfig::tls), the page, events.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <memory>
#include <string>

#include "bep/net/passed_sockets.hh"
#include "engine/api/http.hh"
#include "engine/base/result.hh"
#include "engine/run/status_source.hh"

namespace weft::api {

struct ServerConfig {
  std::string address = "127.0.0.1:8384";    // host:port of <gui>; host may be empty (all), port may be 0 (any)
  std::string api_key;                       // empty: nobody gets in
  bool tls = false;                          // true is refused: better no server than an open one
  bool skip_host_check = false;
  bool metrics_open = false;                 // /metrics without key; only honoured on a loopback address
  HttpLimits limits{};
  net::PassedSockets* passed = nullptr;      // an earlier weft's socket is among them, perhaps; for start()
};

// What <gui> of config.xml means here.
[[nodiscard]] ServerConfig server_config_of(const model::GuiConfig& gui);

// Whether start() would accept the configuration; what it cannot know is whether the port is free.
[[nodiscard]] base::Status check_config(const ServerConfig& config, std::string& why);

class Server {
 public:
  // Listens. `why` is the sentence for people. Errors: as check_config (kInvalidConfig), kUnavailable (port taken).
  [[nodiscard]] static base::Result<std::unique_ptr<Server>> start(boost::asio::io_context& io, ServerConfig config,
                                                                   const run::StatusSource& source,
                                                                   run::CommandSink& sink, std::string& why);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] const std::string& address() const;      // in use: "127.0.0.1:8384", the port never 0
  [[nodiscard]] std::size_t connections() const;
  void pass_listener(net::PassedSockets& next);          // for the weft that comes next

 private:
  class Impl;                                             // keeps Beast out of this header
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::api
