// The host's stand-in for CUDA's header of half precision: storage and conversions, rounding to nearest even.
#pragma once
#include <cstdint>
#include <cstring>

struct __half {
  std::uint16_t bits;
};

inline float __half2float(__half value) {
  std::uint32_t sign = (std::uint32_t)(value.bits >> 15) << 31, exponent = value.bits >> 10 & 31;
  std::uint32_t fraction = value.bits & 1023;
  float number;
  if (exponent == 0) {
    number = (float)fraction * 0x1p-24f;
    return sign ? -number : number;
  }
  std::uint32_t bits = sign | (exponent == 31 ? 255u : exponent + 112) << 23 | fraction << 13;
  std::memcpy(&number, &bits, sizeof number);
  return number;
}

inline __half __float2half_rn(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  std::uint32_t sign = bits >> 31 << 15, size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) return {(std::uint16_t)(sign | 0x7e00)};
  if (size >= 0x477ff000u) return {(std::uint16_t)(sign | 0x7c00)};  // rounds to 2^16: infinite
  if (size < 0x38800000u) {                                          // below 2^-14: multiples of 2^-24
    float number;
    std::memcpy(&number, &size, sizeof number);
    number = number * 0x1p24f + 0x1p23f;  // the addition rounds to nearest even
    std::memcpy(&size, &number, sizeof size);
    return {(std::uint16_t)(sign | (size - 0x4b000000u))};
  }
  std::uint32_t rounded = size + 0xfff + (size >> 13 & 1);
  return {(std::uint16_t)(sign | (rounded - 0x38000000u) >> 13)};
}
