#include "engine/api/server.hh"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>

#include "bep/net/address.hh"
#include "engine/api/connection.hh"
#include "engine/api/gate.hh"
#include "engine/base/log.hh"

namespace weft::api {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// How long to wait when the process has no file left for a new connection.
constexpr std::chrono::milliseconds kAcceptPause{100};

// "host:port" as <gui><address> has it. The scheme is only lent, to use the one parser of addresses.
std::optional<net::Address> parse_gui_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon + 1 == text.size() || text[0] == '/' || text.find('@') != std::string::npos)
    return std::nullopt;
  if (text.back() == ']') return std::nullopt;             // an address without a port
  const auto parsed = net::parse_address("tcp://" + text, net::AddressUse::kListen);
  if (!parsed || parsed->kind != net::Address::Kind::kTcp) return std::nullopt;
  return *parsed;
}

std::string text_of(const tcp::endpoint& endpoint) {
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", endpoint.address().to_string(), endpoint.port())
                                    : fmt::format("{}:{}", endpoint.address().to_string(), endpoint.port());
}

// An empty host means every address: IPv6 with IPv4 mapped into it, or IPv4 alone on a machine without IPv6.
std::vector<tcp::endpoint> endpoints_of(asio::io_context& io, const net::Address& address,
                                        boost::system::error_code& error) {
  if (address.host.empty())
    return {tcp::endpoint(tcp::v6(), address.port), tcp::endpoint(tcp::v4(), address.port)};
  const auto ip = asio::ip::make_address(address.host, error);
  if (!error) return {tcp::endpoint(ip, address.port)};
  std::vector<tcp::endpoint> out;
  tcp::resolver resolver(io);
  for (const auto& found : resolver.resolve(address.host, std::to_string(address.port),
                                            tcp::resolver::passive | tcp::resolver::numeric_service, error))
    out.push_back(found.endpoint());
  return out;
}

}  // namespace

class Server::Impl final : public ConnectionOwner {
 public:
  Impl(asio::io_context& io, ServerConfig config, Context context)
      : io_(io), config_(std::move(config)), context_(std::move(context)), acceptor_(io), pause_(io) {}
  ~Impl() override {
    *alive_ = false;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    for (const auto& connection : connections_) connection->abandon();
  }

  boost::system::error_code listen(const net::Address& address);
  void accept_next();
  void open_gate(const net::Address& address);

  Response handle(const Request& request) override { return answer(gate_, context_, request); }
  Response refuse(unsigned status, const char* sentence) override {
    Response response = text_response(status, sentence);
    add_standard_headers(context_, response);
    return response;
  }
  void on_gone(Connection& connection) override {
    std::erase_if(connections_, [&](const auto& one) { return one.get() == &connection; });
  }

  [[nodiscard]] const std::string& address() const { return context_.gui_address; }
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }
  void pass_listener(net::PassedSockets& next) { next.add(net::PassedSockets::kApi, acceptor_); }

 private:
  void handle_accepted(const boost::system::error_code& error, tcp::socket socket);
  bool make_room();
  boost::system::error_code try_listen(const tcp::endpoint& endpoint);
  bool take_passed(const std::vector<tcp::endpoint>& endpoints);

  asio::io_context& io_;
  ServerConfig config_;
  Context context_;
  Gate gate_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::list<std::shared_ptr<Connection>> connections_;
  // Handlers of the acceptor and timer look here first: the object may be gone when a cancelled one is called.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

boost::system::error_code Server::Impl::try_listen(const tcp::endpoint& endpoint) {
  boost::system::error_code error;
  acceptor_.open(endpoint.protocol(), error);
  if (error) return error;
  acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.address().is_v6() && endpoint.address().is_unspecified())
    acceptor_.set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  boost::system::error_code ignored;
  if (error) acceptor_.close(ignored);
  return error;
}

// Only where it listens as the configuration says.
bool Server::Impl::take_passed(const std::vector<tcp::endpoint>& endpoints) {
  if (config_.passed == nullptr || !config_.passed->take(net::PassedSockets::kApi, acceptor_)) return false;
  boost::system::error_code error;
  const tcp::endpoint local = acceptor_.local_endpoint(error);
  const bool fits = !error && std::ranges::any_of(endpoints, [&](const tcp::endpoint& wanted) {
    return wanted.address() == local.address() && (wanted.port() == 0 || wanted.port() == local.port());
  });
  boost::system::error_code ignored;
  if (!fits) acceptor_.close(ignored);
  return fits;
}

boost::system::error_code Server::Impl::listen(const net::Address& address) {
  boost::system::error_code error;
  const std::vector<tcp::endpoint> endpoints = endpoints_of(io_, address, error);
  if (take_passed(endpoints)) error.clear();
  else
    for (const tcp::endpoint& endpoint : endpoints) {
      error = try_listen(endpoint);
      if (!error) break;
    }
  if (error) return error;
  const tcp::endpoint local = acceptor_.local_endpoint(error);
  if (!error) context_.gui_address = text_of(local);
  return error;
}

void Server::Impl::open_gate(const net::Address& address) {
  const bool loopback = names_loopback(address.host);
  gate_.api_key = config_.api_key;
  gate_.check_host = loopback && !config_.skip_host_check;
  gate_.metrics_open = loopback && config_.metrics_open;
}

void Server::Impl::accept_next() {
  acceptor_.async_accept([this, alive = alive_](const boost::system::error_code& error, tcp::socket socket) {
    if (*alive) handle_accepted(error, std::move(socket));
  });
}

void Server::Impl::handle_accepted(const boost::system::error_code& error, tcp::socket socket) {
  if (error == asio::error::operation_aborted) return;
  if (error) {                                   // no file descriptor left, most likely: let others finish first
    base::log(base::Subsystem::kApi, base::LogLevel::kWarn, "api accept failed", {{"error", error.message()}});
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this, alive = alive_](const boost::system::error_code&) {
      if (*alive) accept_next();
    });
    return;
  }
  if (make_room()) {
    connections_.push_back(std::make_shared<Connection>(std::move(socket), *this, config_.limits));
    const auto connection = connections_.back();   // start() may end it
    connection->start();
  }
  accept_next();
}

// False: every connection is being answered, so the newcomer is closed.
bool Server::Impl::make_room() {
  if (connections_.size() < config_.limits.connections) return true;
  auto oldest = connections_.end();
  for (auto one = connections_.begin(); one != connections_.end(); ++one) {
    if (!(*one)->waiting_since()) continue;
    if (oldest == connections_.end() || (*one)->waiting_since() < (*oldest)->waiting_since()) oldest = one;
  }
  if (oldest == connections_.end()) return false;
  (*oldest)->abandon();
  connections_.erase(oldest);
  return true;
}

ServerConfig server_config_of(const model::GuiConfig& gui) {
  ServerConfig config;
  config.address = gui.address;
  config.api_key = gui.api_key;
  config.tls = gui.tls;
  config.skip_host_check = gui.skip_host_check;
  config.metrics_open = gui.user.empty();
  return config;
}

base::Status check_config(const ServerConfig& config, std::string& why) {
  if (config.tls) {
    why = "config.xml: <gui tls=\"true\"> is not supported: weft answers plain HTTP; set tls=\"false\" and keep the "
          "address on 127.0.0.1 or behind a proxy";
    return base::fail(base::Errc::kInvalidConfig, "TLS on the API is not supported");
  }
  if (!parse_gui_address(config.address)) {
    why = fmt::format("config.xml: <gui> <address>{}</address> is not host:port; write 127.0.0.1:8384 for example",
                      config.address);
    return base::fail(base::Errc::kInvalidConfig, "gui address is not host:port");
  }
  return {};
}

base::Result<std::unique_ptr<Server>> Server::start(asio::io_context& io, ServerConfig config,
                                                    const run::StatusSource& source, run::CommandSink& sink,
                                                    std::string& why) {
  TRY(check_config(config, why));
  const std::optional<net::Address> address = parse_gui_address(config.address);
  Context context{source, sink, source.system_status().self, config.address};
  auto impl = std::make_unique<Impl>(io, std::move(config), std::move(context));
  impl->open_gate(*address);
  if (const boost::system::error_code error = impl->listen(*address)) {
    why = fmt::format("config.xml: <gui> <address>{}</address>: cannot listen there: {}; free the port or change the "
                      "address", impl->address(), error.message());
    return base::fail(base::Errc::kUnavailable, "cannot listen on the gui address", error.value());
  }
  impl->accept_next();
  base::log(base::Subsystem::kApi, base::LogLevel::kInfo, "api listens", {{"address", impl->address()}});
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;
const std::string& Server::address() const { return impl_->address(); }
std::size_t Server::connections() const { return impl_->connections(); }
void Server::pass_listener(net::PassedSockets& next) { impl_->pass_listener(next); }

}  // namespace weft::api
