#include "bep/model/config.hh"

#include <gtest/gtest.h>

namespace weft::model {
namespace {

base::DeviceId id_of(int first, int last) {
  base::DeviceId id{};
  id.front() = static_cast<std::byte>(first);
  id.back() = static_cast<std::byte>(last);
  return id;
}

Config two_devices() {
  Config config;
  config.devices.resize(2);
  config.devices[0].id = id_of(2, 0);
  config.devices[1].id = id_of(1, 0);
  config.folders.resize(1);
  config.folders[0].id = "docs";
  config.folders[0].devices = {id_of(2, 0), id_of(1, 0), id_of(2, 0)};
  return config;
}

TEST(Config, PrepareAddsOurselvesEverywhere) {
  Config config = two_devices();
  ASSERT_TRUE(prepare(config, id_of(9, 9), "me"));
  const DeviceConfig* own = config.device(id_of(9, 9));
  ASSERT_NE(own, nullptr);
  EXPECT_EQ(own->name, "me");
  EXPECT_EQ(own->addresses, std::vector<std::string>{"dynamic"});
  EXPECT_EQ(config.folders[0].devices,
            (std::vector<base::DeviceId>{id_of(1, 0), id_of(2, 0), id_of(9, 9)}));
  ASSERT_TRUE(prepare(config, id_of(9, 9), "me"));
  EXPECT_EQ(config.devices.size(), 3u);
  EXPECT_EQ(config.folders[0].devices.size(), 3u);
}

TEST(Config, PrepareNamesDevicesThatCannotBeDialled) {
  Config config = two_devices();
  config.devices[0].name = "lost";
  config.devices[0].addresses = {"dynamic"};
  config.devices[1].addresses = {"dynamic", "tcp://10.0.0.1:22000"};
  ASSERT_TRUE(prepare(config, id_of(9, 9), "me"));
  ASSERT_EQ(config.notices.size(), 1u);
  EXPECT_NE(config.notices[0].find("lost"), std::string::npos);
}

TEST(Config, PrepareRefusesEqualShortIds) {
  Config config = two_devices();
  const auto done = prepare(config, id_of(1, 7), "me");
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().find("config.xml"), std::string::npos);
  EXPECT_NE(done.error().find("new certificate"), std::string::npos);
}

TEST(Config, FindsByIdOrNot) {
  const Config config = two_devices();
  EXPECT_EQ(config.device(id_of(1, 0)), &config.devices[1]);
  EXPECT_EQ(config.device(id_of(3, 0)), nullptr);
  EXPECT_EQ(config.folder("docs"), &config.folders[0]);
  EXPECT_EQ(config.folder("doc"), nullptr);
}

}  // namespace
}  // namespace weft::model
