#include "engine/lab/rest_address.hh"

#include <gtest/gtest.h>

namespace weft::lab {
namespace {

// "HOST PORT", or "" for what is refused.
std::string read(std::optional<RestAddress> address) { return address ? address->host + " " + address->port : ""; }

TEST(RestAddress, HostAndPort) {
  EXPECT_EQ(read(parse_address("127.0.0.1:40123")), "127.0.0.1 40123");
  EXPECT_EQ(read(parse_address("appliance-2.example:1")), "appliance-2.example 1");
  EXPECT_EQ(read(parse_address("[2001:db8::7]:8384")), "2001:db8::7 8384");
  for (const char* bad : {"", ":", ":8384", "host", "host:", "host:0", "host:65536", "host:-1", "host:8384 ", "host:8x",
                          "[]:1", "2001:db8::7:8384", "[::1:8384", "::1]:8384", "user@host:1", "host/a:1", "a b:1"})
    EXPECT_EQ(read(parse_address(bad)), "") << bad;
}

TEST(RestAddress, Url) {
  EXPECT_EQ(read(parse_url("http://192.0.2.7:8384")), "192.0.2.7 8384");
  EXPECT_EQ(read(parse_url("http://[::1]:8384/")), "::1 8384");
  for (const char* bad : {"", "http://", "192.0.2.7:8384", "https://192.0.2.7:8384", "http://192.0.2.7",
                          "http://192.0.2.7:8384//", "http://192.0.2.7:8384/rest", "http://192.0.2.7:8384?a"})
    EXPECT_EQ(read(parse_url(bad)), "") << bad;
}

}  // namespace
}  // namespace weft::lab
