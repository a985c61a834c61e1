// The one place where Asio's code is compiled; modules link it through the core library.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
