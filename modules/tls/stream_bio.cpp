#include "stream_bio.hpp"

#include <algorithm>

namespace sipward::tls {

// What OpenSSL calls; the names are those of BIO_meth_set_read_ex() and its like.
struct BioFunctions {
  static StreamBio& self(BIO* bio) { return *static_cast<StreamBio*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* into, std::size_t size, std::size_t* taken) {
    auto& stream = self(bio);
    BIO_clear_retry_flags(bio);
    *taken = 0;
    if (stream.beyond_limit()) {
      stream.ended_ = true;
      return 0;
    }
    if (stream.limit_ != 0) size = std::min(size, stream.limit_ - stream.received_);
    const auto result = stream.below_.read({into, size});
    return finish(bio, stream, result, taken, stream.received_);
  }

  static int write(BIO* bio, const char* octets, std::size_t size, std::size_t* taken) {
    auto& stream = self(bio);
    BIO_clear_retry_flags(bio);
    *taken = 0;
    std::size_t sent = 0;
    return finish(bio, stream, stream.below_.write({octets, size}), taken, sent);
  }

  static int finish(BIO* bio, StreamBio& stream, const ByteStream::Result& result, std::size_t* taken,
                    std::size_t& sum) {
    switch (result.status) {
      case ByteStream::Status::ok:
        *taken = result.octets;
        sum += result.octets;
        return 1;
      case ByteStream::Status::want_read:
        BIO_set_retry_read(bio);
        return 0;
      case ByteStream::Status::want_write:
        BIO_set_retry_write(bio);
        return 0;
      case ByteStream::Status::end:
        stream.ended_ = true;
        return 0;
      case ByteStream::Status::error:
        stream.error_ =
            result.error ? result.error : boost::system::errc::make_error_code(boost::system::errc::io_error);
        return 0;
    }
    return 0;
  }

  static long control(BIO* bio, int what, long, void*) {
    if (what == BIO_CTRL_EOF) return self(bio).ended_ ? 1 : 0;
    return what == BIO_CTRL_FLUSH ? 1 : 0;
  }

  // Made once, and never changed.
  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      auto* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sipward stream");
      if (!m) return m;
      BIO_meth_set_read_ex(m, read);
      BIO_meth_set_write_ex(m, write);
      BIO_meth_set_ctrl(m, control);
      return m;
    }();
    return made;
  }
};

bool StreamBio::attach(SSL* ssl) {
  auto* bio = BIO_new(BioFunctions::method());
  if (!bio) return false;
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);  // takes it
  return true;
}

}  // namespace sipward::tls
