// Arguments and results of Node-API callbacks. A wrong type throws a TypeError in JavaScript; callers return at once then.
#pragma once

#include <node_api.h>
#include <stdint.h>

#include <string>

#include "../core/numbers.h"

namespace tidelog {

struct Bytes {
  uint8_t* data = nullptr;
  size_t length = 0;
};

// The arguments of one call, read in order.
template <size_t kCount>
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = kCount;
    void* data = nullptr;
    ok_ = napi_get_cb_info(env, info, &count, values_, nullptr, &data) == napi_ok && count >= kCount;
    context_ = data;
  }

  void* context() const { return context_; }
  napi_value raw(size_t index) const { return values_[index]; }

  int32_t int32(size_t index) {
    int32_t value = 0;
    check(napi_get_value_int32(env_, values_[index], &value));
    return value;
  }
  uint32_t uint32(size_t index) { return static_cast<uint32_t>(int32(index)); }
  double number(size_t index) {
    double value = 0;
    check(napi_get_value_double(env_, values_[index], &value));
    return value;
  }
  int64_t int64(size_t index) { return toInt64(number(index)); }
  bool boolean(size_t index) {
    bool value = false;
    check(napi_get_value_bool(env_, values_[index], &value));
    return value;
  }
  std::string text(size_t index) {
    size_t length = 0;
    check(napi_get_value_string_utf8(env_, values_[index], nullptr, 0, &length));
    std::string value(ok_ ? length : 0, '\0');
    if (ok_) check(napi_get_value_string_utf8(env_, values_[index], value.data(), length + 1, &length));
    return value;
  }
  // Any typed array, as bytes. Borrowed for the call.
  Bytes bytes(size_t index) {
    Bytes found;
    napi_typedarray_type type = napi_uint8_array;
    void* data = nullptr;
    size_t length = 0;
    check(napi_get_typedarray_info(env_, values_[index], &type, &length, &data, nullptr, nullptr));
    found.data = static_cast<uint8_t*>(data);
    found.length = length * elementBytes(type);
    return found;
  }

  // False, with a TypeError pending, when an argument had the wrong type.
  bool valid() {
    if (!ok_) napi_throw_type_error(env_, nullptr, "wrong arguments to the native core");
    return ok_;
  }

 private:
  void check(napi_status status) { ok_ = ok_ && status == napi_ok; }
  static size_t elementBytes(napi_typedarray_type type) {
    switch (type) {
      case napi_int16_array:
      case napi_uint16_array:
        return 2;
      case napi_int32_array:
      case napi_uint32_array:
      case napi_float32_array:
        return 4;
      case napi_float64_array:
      case napi_bigint64_array:
      case napi_biguint64_array:
        return 8;
      default:
        return 1;
    }
  }

  napi_env env_;
  napi_value values_[kCount == 0 ? 1 : kCount] = {};
  void* context_ = nullptr;
  bool ok_ = false;
};

inline napi_value toValue(napi_env env, int32_t number) {
  napi_value value = nullptr;
  napi_create_int32(env, number, &value);
  return value;
}

inline napi_value toValue(napi_env env, double number) {
  napi_value value = nullptr;
  napi_create_double(env, number, &value);
  return value;
}

inline napi_value toValue(napi_env env, bool yes) {
  napi_value value = nullptr;
  napi_get_boolean(env, yes, &value);
  return value;
}

inline napi_value toValue(napi_env env, const std::string& text) {
  napi_value value = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  return value;
}

}  // namespace tidelog
