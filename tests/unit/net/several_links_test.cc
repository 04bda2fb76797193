// Several links between two devices (Hello.num_connections): how many, by which addresses and sources, and what becomes of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <set>

#include "bep/net/dial_source.hh"
#include "tests/unit/net/support.hh"

namespace weft::net::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

class SeveralLinks : public testing::Test {
 protected:
  LinkManagerConfig config(const Identity& identity) {
    LinkManagerConfig made = quick_config(identity);
    made.dial_times.more_after = base::milliseconds(10);
    return made;
  }
  static LinkDevice wants(const Identity& identity, std::int32_t connections, std::vector<std::string> addresses = {}) {
    LinkDevice made = device(identity, std::move(addresses));
    made.connections = connections;
    return made;
  }
  // `left` listens, `right` dials it.
  void begin(std::int32_t left_wants, std::int32_t right_wants) {
    LinkManagerConfig left_config = config(alice);
    left_config.devices = {wants(bob, left_wants)};
    left.emplace(io, std::move(left_config));
    right_config.devices = {wants(alice, right_wants, {left->address()})};
    right.emplace(io, right_config);
  }
  std::size_t at_left() { return left->manager->links_of(bob.id()).size(); }
  std::size_t at_right() { return right->manager->links_of(alice.id()).size(); }
  bool settled(std::size_t links) {
    return run_until(io, [&] { return at_left() == links && at_right() == links; });
  }

  void expect_it_stays_at(std::size_t links) {
    run_for(io, 150ms);
    EXPECT_EQ(at_left(), links);
    EXPECT_EQ(at_right(), links);
  }

  asio::io_context io;
  const Identity alice = new_identity(), bob = new_identity();
  LinkManagerConfig right_config = config(bob);
  std::optional<Node> left, right;
};

TEST_F(SeveralLinks, AsManyAsTheSideWantsThatWantsMore) {
  begin(2, 3);
  ASSERT_TRUE(settled(3));
  expect_it_stays_at(3);
  EXPECT_TRUE(std::ranges::all_of(right->manager->links_of(alice.id()), &Link::dialled));
  EXPECT_TRUE(left->seen.closed.empty());
  EXPECT_EQ(left->seen.hellos.at(0).num_connections, 3);
  EXPECT_GT(left->seen.hellos.at(0).timestamp_ns, 0);
  EXPECT_EQ(left->manager->link_of(bob.id()), left->manager->links_of(bob.id()).front());
  EXPECT_EQ(left->manager->links().size(), 3u);
}

TEST_F(SeveralLinks, OneWhereOneSideSpeaksOfOne) {
  begin(1, 8);
  ASSERT_TRUE(settled(1));
  expect_it_stays_at(1);
}

TEST_F(SeveralLinks, BothDialAndBothEndsAgree) {
  LinkManagerConfig left_config = config(alice);
  left.emplace(io, std::move(left_config));
  right.emplace(io, right_config);
  left->manager->set_devices({wants(bob, 4, {right->address()})});
  right->manager->set_devices({wants(alice, 4, {left->address()})});
  ASSERT_TRUE(settled(4));
  run_for(io, 50ms);
  expect_it_stays_at(4);
}

TEST_F(SeveralLinks, OneThatIsLostIsDialledAgainAndTheOthersStay) {
  begin(3, 3);
  ASSERT_TRUE(settled(3));
  const std::uint64_t first = left->manager->link_of(bob.id())->number();
  left->manager->links_of(bob.id())[1]->close("test");
  ASSERT_TRUE(run_until(io, [&] { return left->seen.closed.size() == 1 && right->seen.closed.size() == 1; }));
  ASSERT_TRUE(settled(3));
  EXPECT_EQ(left->manager->link_of(bob.id())->number(), first);
  EXPECT_EQ(left->seen.closed.size(), 1u);
}

TEST_F(SeveralLinks, WhenTheFirstIsLostTheNextIsTheOldest) {
  begin(3, 3);
  ASSERT_TRUE(settled(3));
  const std::uint64_t second = left->manager->links_of(bob.id())[1]->number();
  left->manager->link_of(bob.id())->close("test");
  ASSERT_TRUE(run_until(io, [&] { return left->seen.closed.size() == 1; }));
  EXPECT_EQ(left->manager->link_of(bob.id())->number(), second);
  EXPECT_TRUE(settled(3));
}

// As after a loss of power: the peer dials anew, and we still hold what it had.
TEST_F(SeveralLinks, ADeviceThatBeganAnewTakesThePlaceOfItsOldLinks) {
  LinkManagerConfig left_config = config(alice);
  left_config.devices = {wants(bob, 3)};
  left_config.replace.age = base::Duration{};
  left.emplace(io, std::move(left_config));
  right_config.devices = {wants(alice, 3, {left->address()})};
  Node before(io, right_config);
  ASSERT_TRUE(run_until(io, [&] { return at_left() == 3; }));
  before.manager->set_devices({wants(alice, 3)});   // it dials no more
  right.emplace(io, right_config);
  ASSERT_TRUE(run_until(io, [&] { return at_right() == 3; }));
  EXPECT_EQ(at_left(), 3u) << "never more than it may have";
  EXPECT_TRUE(run_until(io, [&] { return left->count(CloseReason::kReplaced) == 3; })) << "each of the old ones";
}

TEST_F(SeveralLinks, AYoungLinkIsNotReplaced) {
  begin(2, 2);
  ASSERT_TRUE(settled(2));
  Node second(io, right_config);    // the same device again
  ASSERT_TRUE(run_until(io, [&] { return left->count(CloseReason::kDuplicate) > 0; }));
  EXPECT_EQ(at_left(), 2u);
  EXPECT_TRUE(left->seen.closed.empty());
}

TEST_F(SeveralLinks, ComeFromEachSourceInTurn) {
  right_config.dial_from = {"127.0.0.2", "127.0.0.3"};
  begin(4, 4);
  ASSERT_TRUE(settled(4));
  std::multiset<std::string> from;
  for (const Link* link : left->manager->links_of(bob.id())) from.insert(link->remote_ip().to_string());
  EXPECT_EQ(from.count("127.0.0.2"), 2u);
  EXPECT_EQ(from.count("127.0.0.3"), 2u);
  const auto dials = right->manager->dial_status();
  ASSERT_EQ(dials.size(), 2u);
  EXPECT_EQ(dials[0].address, left->address() + " from 127.0.0.2");
}

TEST_F(SeveralLinks, GoByEachAddressInTurn) {
  LinkManagerConfig left_config = config(alice);
  left_config.devices = {wants(bob, 4)};
  left_config.listen = {"tcp://127.0.0.1:0", "tcp://127.0.0.5:0"};
  left.emplace(io, std::move(left_config));
  std::vector<std::string> addresses;
  for (const ListenerStatus& listener : left->manager->listeners()) addresses.push_back(listener.actual);
  right_config.devices = {wants(alice, 4, addresses)};
  right.emplace(io, right_config);
  ASSERT_TRUE(settled(4));
  std::multiset<std::string> to;
  for (const Link* link : right->manager->links_of(alice.id())) to.insert("tcp://" + link->remote());
  for (const std::string& address : addresses) EXPECT_EQ(to.count(address), 2u) << address;
}

TEST_F(SeveralLinks, LeaveByTheInterfaceThatIsNamed) {
  right_config.dial_from = {"lo"};
  begin(1, 1);
  EXPECT_TRUE(settled(1));
}

TEST_F(SeveralLinks, ASourceThatIsNotThereIsToldAndTheOthersAreTried) {
  right_config.dial_from = {"nosuchif0", "192.0.2.77", "::1", "127.0.0.2"};
  begin(1, 1);
  ASSERT_TRUE(settled(1));
  const auto dials = right->manager->dial_status();
  ASSERT_EQ(dials.size(), 4u);
  EXPECT_NE(dials[0].error.find("the interface"), std::string::npos) << dials[0].error;
  EXPECT_NE(dials[1].error.find("none of ours"), std::string::npos) << dials[1].error;
  EXPECT_NE(dials[2].error.find("other family"), std::string::npos) << dials[2].error;
  EXPECT_TRUE(dials[3].ok);
}

TEST(DialSource, IsAnAddressOrAnInterface) {
  for (const char* right : {"10.0.0.1", "fe80::1", "2001:db8::1", "eth0", "enp3s0f1.100", "br-lan"})
    EXPECT_TRUE(is_dial_source(right)) << right;
  for (const char* wrong : {"", "a b", "eth0/1", "10.0.0.1:22000", "..", "a-name-of-sixteen", "eth\n"})
    EXPECT_FALSE(is_dial_source(wrong)) << wrong;
}

}  // namespace
}  // namespace weft::net::test
