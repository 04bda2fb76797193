#include "bep/proto/messages.hh"

#include <gtest/gtest.h>

#include "bep/proto/pb.hh"
#include "tests/unit/proto/support.hh"

namespace weft::proto {
namespace {

using test::Buffer;
using test::encoded;
using test::file_of;

ClusterConfig sample_config(base::Prng& prng) {
  ClusterDevice device;
  device.id = test::random_hash(prng);
  device.name = "laptop";
  device.addresses = {"dynamic", "tcp://10.0.0.1:22000"};
  device.compression = Compression::kAlways;
  device.cert_name = "syncthing";
  device.max_sequence = 12;
  device.introducer = true;
  device.index_id = UINT64_MAX;
  device.skip_introduction_removals = true;
  device.encryption_password_token = vector_of("token");
  ClusterFolder folder;
  folder.id = "abcd-1234";
  folder.label = "Pictures";
  folder.type = 2;
  folder.ignore_permissions = true;
  folder.ignore_delete = true;
  folder.disable_temp_indexes = true;
  folder.paused = true;
  folder.devices = {device, ClusterDevice{}};
  return ClusterConfig{{folder, ClusterFolder{}}, true};
}

TEST(ClusterConfig, RoundTrips) {
  base::Prng prng(1);
  const ClusterConfig config = sample_config(prng);
  ClusterConfig decoded;
  ASSERT_EQ(decode(encoded(config), decoded), Reason::kNone);
  EXPECT_EQ(decoded, config);
  EXPECT_TRUE(encoded(ClusterConfig{}).empty());
}

TEST(ClusterConfig, RefusesByReason) {
  ClusterConfig out;
  bep::ClusterConfig message;
  message.add_folders()->add_devices()->set_id(std::string(31, 'x'));
  EXPECT_EQ(decode(bytes_of(message.SerializeAsString()), out), Reason::kDeviceIdLength);
  message.mutable_folders(0)->mutable_devices(0)->set_id(std::string(32, 'x'));
  EXPECT_EQ(decode(bytes_of(message.SerializeAsString()), out), Reason::kNone);
  message.mutable_folders(0)->set_label("\xFF");
  EXPECT_EQ(decode(bytes_of(message.SerializeAsString()), out), Reason::kMessageBroken);
  message.mutable_folders(0)->set_label("");
  message.mutable_folders(0)->mutable_devices(0)->add_addresses("\xC0");
  EXPECT_EQ(decode(bytes_of(message.SerializeAsString()), out), Reason::kMessageBroken);
  EXPECT_EQ(decode(test::hex("0a05"), out), Reason::kMessageBroken);
}

TEST(ClusterConfig, CountsBeforeItAllocates) {
  ClusterConfig out;
  Buffer folders;
  for (std::size_t i = 0; i <= kFoldersMax; ++i) append(folders, test::hex("0a00"));
  EXPECT_EQ(decode(folders, out), Reason::kMessageTooMany);
  // One folder of 65 537 empty devices: 82 01 00 each.
  Buffer devices;
  for (std::size_t i = 0; i <= kFolderDevicesMax; ++i) append(devices, test::hex("820100"));
  Buffer folder = test::hex("0a 83800c");   // bytes of it: 3 x 65 537 = 196 611
  append(folder, devices);
  EXPECT_EQ(decode(folder, out), Reason::kMessageTooMany);
}

TEST(ClusterConfig, FlagsOfBothVersions) {
  bep::ClusterConfig message;
  message.add_folders()->set_stop_reason(1);
  message.add_folders()->set_stop_reason(2);
  auto& device = *message.add_folders()->add_devices();
  device.set_id(std::string(32, 'x'));
  device.set_compression(77);
  ClusterConfig out;
  ASSERT_EQ(decode(bytes_of(message.SerializeAsString()), out), Reason::kNone);
  EXPECT_TRUE(out.folders[0].paused);
  EXPECT_FALSE(out.folders[1].paused);
  EXPECT_EQ(out.folders[2].devices[0].compression, Compression::kMetadata);
}

TEST(Index, RoundTripsAndIsWhatProtobufWouldRead) {
  base::Prng prng(6);
  Index index;
  index.folder = "abcd";
  index.last_sequence = 90;
  index.prev_sequence = 7;
  for (int i = 0; i < 50; ++i)
    index.files.push_back(file_of("f" + std::to_string(i), prng.below(1'000'000), prng));
  const Buffer bytes = encoded(index);
  Index decoded;
  IndexFaults faults;
  ASSERT_EQ(decode(bytes, decoded, faults), Reason::kNone);
  EXPECT_EQ(decoded, index);

  bep::Index message;
  ASSERT_TRUE(message.ParseFromString(string_of(bytes)));
  EXPECT_EQ(message.folder(), "abcd");
  EXPECT_EQ(message.files_size(), 50);
  EXPECT_EQ(message.files(49).name(), "f49");
  EXPECT_EQ(message.last_sequence(), 90);
  EXPECT_EQ(message.prev_sequence(), 7);
  const std::string other_writer = message.SerializeAsString();
  ASSERT_EQ(decode(bytes_of(other_writer), decoded, faults), Reason::kNone);
  EXPECT_EQ(decoded, index);
}

TEST(Index, OneSpoiltEntryDoesNotHurtTheOthers) {
  base::Prng prng(6);
  Index index;
  index.folder = "abcd";
  for (int i = 0; i < 3; ++i) index.files.push_back(file_of("f" + std::to_string(i), 10, prng));
  index.files[1].blocks[0].size = 9;
  Index decoded;
  IndexFaults faults;
  ASSERT_EQ(decode(encoded(index), decoded, faults), Reason::kNone);
  ASSERT_EQ(decoded.files.size(), 3u);
  EXPECT_FALSE(decoded.files[0].invalid);
  EXPECT_TRUE(decoded.files[1].invalid);
  EXPECT_FALSE(decoded.files[2].invalid);
  EXPECT_EQ(faults.spoilt.of(Reason::kBlockLayout), 1u);
}

TEST(Index, NamesTheEntryThatClosesTheLink) {
  base::Prng prng(6);
  Index index;
  index.files.push_back(file_of("../x", 10, prng));
  Index decoded;
  IndexFaults faults;
  EXPECT_EQ(decode(encoded(index), decoded, faults), Reason::kNameInvalid);
  EXPECT_EQ(faults.broken_name, "../x");
  EXPECT_EQ(decode(test::hex("0a01ff"), decoded, faults), Reason::kMessageBroken);
  EXPECT_EQ(decode(test::hex("1205"), decoded, faults), Reason::kMessageBroken);
}

TEST(Index, HasABoundOnFiles) {
  base::Prng prng(6);
  Index index;
  FileInfo deleted;
  deleted.name = "d";
  deleted.deleted = true;
  index.files.assign(kIndexFilesMax, deleted);
  Index decoded;
  IndexFaults faults;
  EXPECT_EQ(decode(encoded(index), decoded, faults), Reason::kNone);
  index.files.push_back(deleted);
  EXPECT_EQ(decode(encoded(index), decoded, faults), Reason::kMessageTooMany);
}

Request sample_request() {
  Request request;
  request.folder = "abcd";
  request.name = "dir/file";
  request.offset = 131'072;
  request.size = 131'072;
  request.hash = Buffer(32, std::byte{7});
  request.block_no = 1;
  return request;
}

TEST(Request, RoundTripsAndLeavesIdZeroOut) {
  Request request = sample_request();
  Request decoded;
  ASSERT_EQ(decode(encoded(request), decoded), Reason::kNone);
  EXPECT_EQ(decoded, request);
  EXPECT_NE(encoded(request)[0], std::byte{0x08});
  request.id = INT32_MAX;
  request.from_temporary = true;
  ASSERT_EQ(decode(encoded(request), decoded), Reason::kNone);
  EXPECT_EQ(decoded, request);
}

TEST(Request, RefusesByReason) {
  struct Case { Reason reason; void (*bend)(Request&); };
  for (const Case& c : std::vector<Case>{
           {Reason::kNone, [](Request& r) { r.size = 0; }},
           {Reason::kNone, [](Request& r) { r.size = kRequestBytesMax; }},
           {Reason::kNone, [](Request& r) { r.hash.clear(); }},
           {Reason::kRequestRange, [](Request& r) { r.size = kRequestBytesMax + 1; }},
           {Reason::kRequestRange, [](Request& r) { r.size = -1; }},
           {Reason::kRequestRange, [](Request& r) { r.offset = -1; }},
           {Reason::kRequestRange, [](Request& r) { r.offset = INT64_MAX; }},
           {Reason::kNameInvalid, [](Request& r) { r.name = "../../etc/passwd"; }},
           {Reason::kNameInvalid, [](Request& r) { r.name = ""; }},
           {Reason::kMessageBroken, [](Request& r) { r.folder = "\xFF"; }}}) {
    Request request = sample_request();
    c.bend(request);
    Request decoded;
    EXPECT_EQ(std::string(name_of(decode(encoded(request), decoded))), name_of(c.reason));
  }
}

TEST(Request, AHashOfAnotherLengthMatchesNothing) {
  Request request = sample_request();
  request.hash.resize(20);
  Request decoded;
  ASSERT_EQ(decode(encoded(request), decoded), Reason::kNone);
  EXPECT_TRUE(decoded.hash_unusable);
  EXPECT_TRUE(decoded.hash.empty());
}

TEST(DownloadProgress, RoundTripsUnpacked) {
  DownloadProgress progress;
  progress.folder = "abcd";
  progress.updates.push_back({false, "a", test::version_of({{1, 2}}), {0, 5, 1000}, 131'072});
  progress.updates.push_back({true, "b", {}, {}, 0});
  const Buffer bytes = encoded(progress);
  DownloadProgress decoded;
  ASSERT_EQ(decode(bytes, decoded), Reason::kNone);
  EXPECT_EQ(decoded, progress);
  EXPECT_NE(text_of_bytes(bytes).find("\x20\x05\x20"), std::string_view::npos) << "not packed";
}

TEST(DownloadProgress, RefusesByReason) {
  DownloadProgress progress, decoded;
  progress.updates.push_back({false, "../a", {}, {}, 0});
  EXPECT_EQ(decode(encoded(progress), decoded), Reason::kNameInvalid);
  Buffer many;
  for (std::size_t i = 0; i <= kProgressUpdatesMax; ++i) append(many, test::hex("1200"));
  EXPECT_EQ(decode(many, decoded), Reason::kMessageTooMany);
}

TEST(Close, IsPrintableAndBounded) {
  std::string reason;
  ASSERT_EQ(decode_close(encode_close("bye"), reason), Reason::kNone);
  EXPECT_EQ(reason, "bye");
  bep::Close message;
  message.set_reason("a\nb\x1b[31m" + std::string(5000, 'x'));
  ASSERT_EQ(decode_close(bytes_of(message.SerializeAsString()), reason), Reason::kNone);
  EXPECT_EQ(reason.size(), 1024u);
  EXPECT_EQ(reason.substr(0, 8), "a?b?[31m");
  message.set_reason("\xC2\x9B" "1m \xC3\xBC");
  ASSERT_EQ(decode_close(bytes_of(message.SerializeAsString()), reason), Reason::kNone);
  EXPECT_EQ(reason, "??1m \xC3\xBC");
  EXPECT_EQ(decode_close(test::hex("0a05"), reason), Reason::kMessageBroken);
}

}  // namespace
}  // namespace weft::proto
