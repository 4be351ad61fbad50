// The test origin: an HTTP/1.1 server on loopback that serves a directory and,
// by path, plays every misbehaviour that a client must survive. One thread.
//
//   /name.jpg                    the file, with ETag, Last-Modified, 304
//   /ppm?w=64&h=48&seed=1        a generated image of that size (P6)
//   /status/404                  that status with a short text
//   /flaky?times=2&status=503    so often that status (&retry-after=1), then
//                                the image; counted per whole target
//   /429?retry-after=1&times=2   the same with 429
//   /slow?ms=500                 the image after that time
//   /stall?after=100             the image's first bytes, then nothing for
//                                ever; after=-1: not even a header
//   /drip?bytes=1&ms=100         the image in that rhythm
//   /cut?at=50&how=length        that per cent of the image, then the end:
//                                length, chunk, reset, or close (HTTP/1.0, no
//                                length: nobody can tell)
//   /lie?content-length=10       the image under a wrong length
//   /redirect?to=URL&n=3&status=302   n hops to itself, then to URL (or to the
//                                image); /loop redirects for ever
//   /html /empty /206            as they say, with status 200 (206)
//   /endless?length=N            zeros for ever, under that Content-Length or,
//                                without length, chunked
//   /gzip?bytes=N&layers=5       a bomb of that unpacked size
//   /etag?value=x&weak=1&lie=1   the image under that ETag, 304 when it is
//                                asked for; lie=1: 304 to every condition;
//                                nothing=1: never 304
//   /headers?bytes=N             a header field of that size; &lines=N: many
//   /type?value=text/plain       the image under that Content-Type
//   /encoding?value=br           the image under that Content-Encoding
//
// "The image" is a small PPM, or the file named by &file=/photo.jpg. Any path
// takes &status= where it makes sense, and parameters that it does not know,
// such as &id=7, which tell requests apart.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace imgbatch::testing {

struct OriginOptions {
  std::string directory;              // Empty: only plays.
  std::string address = "127.0.0.1";  // IPv4 or IPv6.
  uint16_t port = 0;                  // 0: any free one.
  int latency_ms = 0;                 // Before every answer.
  std::string log_path;               // One line per request; empty: none.
};

struct OriginRequest {
  int connection = 0;  // 1-based, in order of arrival.
  int64_t at_ms = 0;   // Since the start of the server.
  std::string method;
  std::string target;  // Path and query as received.
  std::string head;    // Request line and header as received.
  int status = 0;      // Of the answer; 0: none was sent.
  // A header field of the request by lower-case name; empty when absent.
  std::string Header(std::string_view name) const;
};

class Origin {
 public:
  // Listens and serves at once; ends the process with a message when it
  // cannot, since no test can go on then.
  explicit Origin(OriginOptions options = {});
  ~Origin();
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;

  uint16_t port() const;
  // "http://127.0.0.1:PORT" + path.
  std::string Url(std::string_view path) const;
  std::vector<OriginRequest> Requests() const;
  int connections() const;       // Accepted so far.
  int most_connections() const;  // Open at the same time, at the most.

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace imgbatch::testing
