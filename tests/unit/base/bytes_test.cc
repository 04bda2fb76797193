#include "engine/base/bytes.hh"

#include <gtest/gtest.h>

#include <array>

#include "engine/base/result.hh"

namespace weft::base {
namespace {

TEST(Bytes, WritesBigEndianAndReadsItBack) {
  std::array<std::byte, 15> buffer{};
  ByteWriter writer(buffer);
  writer.be<std::uint8_t>(1);
  writer.be<std::uint16_t>(0x0203);
  writer.be<std::uint32_t>(0x04050607);
  writer.be<std::uint64_t>(0x08090A0B0C0D0E0F);
  for (std::size_t i = 0; i < buffer.size(); ++i) EXPECT_EQ(std::to_integer<std::size_t>(buffer[i]), i + 1);
  ByteReader reader(buffer);
  EXPECT_EQ(reader.be<std::uint8_t>(), 1);
  EXPECT_EQ(reader.be<std::uint16_t>(), 0x0203);
  EXPECT_EQ(reader.be<std::uint32_t>(), 0x04050607u);
  EXPECT_EQ(reader.be<std::uint64_t>(), 0x08090A0B0C0D0E0Fu);
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.empty());
}

TEST(Bytes, AReaderThatRunsOutStaysBroken) {
  std::array<std::byte, 3> buffer{std::byte{1}, std::byte{2}, std::byte{3}};
  ByteReader reader(buffer);
  EXPECT_EQ(reader.be<std::uint32_t>(), 0u);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.be<std::uint8_t>(), 0u);
  EXPECT_TRUE(reader.take(1).empty());
  EXPECT_FALSE(reader.ok());
}

Status refuse() { return fail(Errc::kLimit, "no"); }
Result<int> three() { return 3; }
Result<int> sum_or_refuse(bool refusing) {
  const int value = TRY(three());
  if (refusing) TRY(refuse());
  return value + 1;
}

TEST(Result, TryReturnsTheFirstError) {
  EXPECT_EQ(sum_or_refuse(false).value(), 4);
  ASSERT_FALSE(sum_or_refuse(true));
  EXPECT_EQ(sum_or_refuse(true).error().code, Errc::kLimit);
}

}  // namespace
}  // namespace weft::base
