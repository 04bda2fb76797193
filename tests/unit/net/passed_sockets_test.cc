// Listening sockets that outlive the program that opened them.
#include "bep/net/passed_sockets.hh"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <string>
#include <vector>

namespace weft::net {
namespace {

using boost::asio::ip::tcp;

class Passed : public ::testing::Test {
 protected:
  ~Passed() override { ::unsetenv(PassedSockets::kVariable); }
  tcp::acceptor listening() { return {io_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)}; }
  static std::string variable() {
    const char* const value = std::getenv(PassedSockets::kVariable);
    return value == nullptr ? "" : value;
  }
  boost::asio::io_context io_;
};

TEST_F(Passed, ASocketGoesOnUnderItsName) {
  tcp::acceptor first = listening();
  const tcp::endpoint at = first.local_endpoint();
  PassedSockets next;
  next.add("tcp://one", first);
  tcp::acceptor closed(io_);
  next.add("tcp://none", closed);
  EXPECT_FALSE(first.is_open());
  tcp::socket client(io_);
  client.connect(at);                       // waits in the queue of a socket that nobody accepts from now
  next.to_environment();
  EXPECT_FALSE(variable().empty());

  // What exec does not: these descriptors stay with `next` as well, which therefore must let go of them.
  static PassedSockets* const kept = new PassedSockets(std::move(next));
  (void)kept;
  PassedSockets passed = PassedSockets::from_environment();
  EXPECT_TRUE(variable().empty());
  tcp::acceptor second(io_);
  EXPECT_FALSE(passed.take("tcp://none", second));
  EXPECT_FALSE(passed.take("tcp://other", second));
  ASSERT_TRUE(passed.take("tcp://one", second));
  EXPECT_EQ(second.local_endpoint(), at);
  EXPECT_NE(::fcntl(second.native_handle(), F_GETFD) & FD_CLOEXEC, 0) << "for what we start ourselves it is not";
  EXPECT_TRUE(second.accept().is_open());
  EXPECT_FALSE(passed.take("tcp://one", closed)) << "once";
}

TEST_F(Passed, WhatIsNoListeningSocketIsLeftAlone) {
  const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  tcp::acceptor not_listening(io_, tcp::v4());
  for (const std::string& text : std::vector<std::string>{
           "0=tcp://in\n2=tcp://err", std::to_string(file) + "=tcp://file",
           std::to_string(not_listening.native_handle()) + "=tcp://socket", "99999=tcp://nothing", "x=tcp://x", "7", "=\n\n=",
           "-1=a"}) {
    ASSERT_EQ(::setenv(PassedSockets::kVariable, text.c_str(), 1), 0);
    EXPECT_TRUE(PassedSockets::from_environment().empty()) << text;
  }
  EXPECT_EQ(::fcntl(file, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC) << "it is still open";
  EXPECT_TRUE(not_listening.is_open());
  ::close(file);
}

TEST_F(Passed, NothingIsPassedWhereNothingIs) {
  PassedSockets none;
  none.to_environment();
  EXPECT_TRUE(variable().empty());
  EXPECT_TRUE(PassedSockets::from_environment().empty());
}

}  // namespace
}  // namespace weft::net
