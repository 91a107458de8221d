// The host's stand-in for CUDA's header of bfloat16: storage and conversions, rounding to nearest even.
#pragma once
#include <cstdint>
#include <cstring>

struct __nv_bfloat16 {
  std::uint16_t bits;
};

inline float __bfloat162float(__nv_bfloat16 value) {
  std::uint32_t bits = (std::uint32_t)value.bits << 16;
  float number;
  std::memcpy(&number, &bits, sizeof number);
  return number;
}

inline __nv_bfloat16 __float2bfloat16_rn(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return {(std::uint16_t)(bits >> 16 | 64)};
  return {(std::uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}
