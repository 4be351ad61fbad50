#include "core/url.h"

#include <iterator>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace imgbatch {
namespace {

struct Good {
  const char* raw;
  const char* text;
  const char* host;
  const char* name;
};

TEST(Url, ReadsWhatCellsSay) {
  const Good cases[] = {
      {"http://example.com/a.jpg", "http://example.com/a.jpg", "example.com",
       "a.jpg"},
      {"  https://example.com/a.jpg\t", "https://example.com/a.jpg",
       "example.com", "a.jpg"},
      {"\xc2\xa0https://example.com/a\xe2\x80\x8b", "https://example.com/a",
       "example.com", "a"},
      {"HTTPS://Example.COM/A.jpg", "https://example.com/A.jpg", "example.com",
       "A.jpg"},
      {"//cdn.example.com/a.jpg", "https://cdn.example.com/a.jpg",
       "cdn.example.com", "a.jpg"},
      {"http://example.com", "http://example.com/", "example.com", ""},
      {"http://example.com?x=1", "http://example.com/?x=1", "example.com", ""},
      {"http://example.com:80/a", "http://example.com/a", "example.com", "a"},
      {"https://example.com:443/a", "https://example.com/a", "example.com",
       "a"},
      {"http://example.com:8080/a", "http://example.com:8080/a",
       "example.com:8080", "a"},
      {"https://example.com:80/a", "https://example.com:80/a", "example.com:80",
       "a"},
      {"http://example.com./a", "http://example.com./a", "example.com", "a"},
      {"http://example.com/a.jpg#top", "http://example.com/a.jpg",
       "example.com", "a.jpg"},
      {"http://example.com/a?b=1&amp;c=2", "http://example.com/a?b=1&c=2",
       "example.com", "a"},
      {"http://example.com/a?b=1&amp;amp;c", "http://example.com/a?b=1&c",
       "example.com", "a"},
      {"http://example.com/my photo.jpg", "http://example.com/my%20photo.jpg",
       "example.com", "my photo.jpg"},
      {"http://example.com/my%20photo.jpg", "http://example.com/my%20photo.jpg",
       "example.com", "my photo.jpg"},
      {"http://example.com/100%.jpg", "http://example.com/100%.jpg",
       "example.com", "100%.jpg"},
      {"http://example.com/\xc3\xa4.jpg?q=\xc3\xbc",
       "http://example.com/%C3%A4.jpg?q=%C3%BC", "example.com", "\xc3\xa4.jpg"},
      {"http://example.com/\xff.jpg", "http://example.com/%FF.jpg",
       "example.com", "\xff.jpg"},
      {"http://b\xc3\xbc"
       "cher.example/a",
       "http://xn--bcher-kva.example/a", "xn--bcher-kva.example", "a"},
      {"http://B\xc3\x9c"
       "CHER.example:81/a",
       "http://xn--bcher-kva.example:81/a", "xn--bcher-kva.example:81", "a"},
      {"http://example.com/a/../b/./c", "http://example.com/b/c", "example.com",
       "c"},
      {"http://res.example/image/w_300,h_300,c_fill/a.jpg",
       "http://res.example/image/w_300,h_300,c_fill/a.jpg", "res.example",
       "a.jpg"},
      {"http://example.com/a;b|c", "http://example.com/a;b|c", "example.com",
       "a;b|c"},
      {"http://example.com/a?u=http://x/y", "http://example.com/a?u=http://x/y",
       "example.com", "a"},
      {"http://[2001:DB8::1]:8080/a", "http://[2001:db8::1]:8080/a",
       "[2001:db8::1]:8080", "a"},
      // curl gives numeric hosts their usual form, so equal ones are equal.
      {"http://0x7f.1/a", "http://127.0.0.1/a", "127.0.0.1", "a"},
      {"http://2130706433/a", "http://127.0.0.1/a", "127.0.0.1", "a"},
      {"http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/a",
       "http://127.0.0.1/a", "127.0.0.1", "a"},
      {"http://%31%32%37.0.0.1/a", "http://127.0.0.1/a", "127.0.0.1", "a"},
  };
  for (const Good& c : cases) {
    const auto url = ParseUrl(c.raw);
    ASSERT_TRUE(url.has_value()) << c.raw << ": " << url.error().message;
    EXPECT_EQ(url->text, c.text);
    EXPECT_EQ(url->host, c.host) << c.raw;
    EXPECT_EQ(url->name, c.name) << c.raw;
    const auto again = ParseUrl(url->text);
    ASSERT_TRUE(again.has_value()) << url->text;
    EXPECT_EQ(again->text, url->text) << "not a fixed point";
  }
}

TEST(Url, RefusesWhatCannotBeFetched) {
  const std::string cases[] = {
      "",
      "   ",
      "n/a",
      "a.jpg",
      "/images/a.jpg",
      "www.example.com/a.jpg",
      "ftp://example.com/a.jpg",
      "file:///etc/passwd",
      "javascript:alert(1)",
      "data:image/png;base64,AAAA",
      "gopher://example.com/",
      "http:example.com/a",
      "http:/example.com/a",
      "http://",
      "http:///a.jpg",
      "http://?a",
      "http://user@example.com/",
      "http://user:secret@example.com/",
      "http://@example.com/",
      "http://:@example.com/",
      "http://example.com:0/",
      "http://example.com:65536/",
      "http://example.com:x/",
      "http://exa mple.com/",
      "http://exa\\mple.com/",
      "http://ex%00ample.com/",
      "http://%%\xe2\x80\x8b"
      "464/",
      "http://ex%2fample.com/",
      "http://[::1/",
      "http://[fe80::1%25eth0]/",
      "http://example.com/a\nb",
      "http://example.com/a\tb",
      std::string("http://example.com/a\0b", 22),
      "http://example.com/\x7f",
      "http://\xff\xfe/a",
      "http://example.com/" + std::string(8200, 'a'),
      "http://example.com/" + std::string(3000, ' ') + "a",
  };
  for (const std::string& raw : cases) {
    const auto url = ParseUrl(raw);
    ASSERT_FALSE(url.has_value()) << raw << " -> " << url->text;
    EXPECT_EQ(url.error().code, FailureCode::kInvalidUrl);
    EXPECT_FALSE(url.error().message.empty());
  }
}

TEST(Url, ResolvesRedirects) {
  const Url base = *ParseUrl("https://example.com/shop/a.jpg?v=1");
  const Good cases[] = {
      {"b.jpg", "https://example.com/shop/b.jpg", "example.com", "b.jpg"},
      {"/b.jpg", "https://example.com/b.jpg", "example.com", "b.jpg"},
      {"../b.jpg", "https://example.com/b.jpg", "example.com", "b.jpg"},
      {"?v=2", "https://example.com/shop/a.jpg?v=2", "example.com", "a.jpg"},
      {"//cdn.example/b", "https://cdn.example/b", "cdn.example", "b"},
      {"http://other.example/b c", "http://other.example/b%20c",
       "other.example", "b c"},
      {" http://other.example/ ", "http://other.example/", "other.example", ""},
      {"http://b\xc3\xbc"
       "cher.example/",
       "http://xn--bcher-kva.example/", "xn--bcher-kva.example", ""},
  };
  for (const Good& c : cases) {
    const auto url = ResolveUrl(base, c.raw);
    ASSERT_TRUE(url.has_value()) << c.raw << ": " << url.error().message;
    EXPECT_EQ(url->text, c.text);
    EXPECT_EQ(url->host, c.host);
    EXPECT_EQ(url->name, c.name);
  }
}

TEST(Url, RefusesRedirectsToOtherSchemes) {
  const Url base = *ParseUrl("https://example.com/a");
  for (const char* location :
       {"", "ftp://example.com/", "file:///etc/passwd", "javascript:alert(1)",
        "http://user:secret@example.com/", "//user@example.com/",
        "http://example.com:0/", "gopher://127.0.0.1:70/_", "/a\r\nb"}) {
    EXPECT_FALSE(ResolveUrl(base, location).has_value()) << location;
  }
}

TEST(Url, ShowsNoSecrets) {
  const Good cases[] = {
      {"https://example.com/a.jpg?token=s3cret", "https://example.com/a.jpg",
       "", ""},
      {"https://u:s3cret@example.com/a", "https://example.com/a", "", ""},
      {"https://example.com/a@b#s3cret", "https://example.com/a@b", "", ""},
      {"not a url\x1b[31m", "not a url?[31m", "", ""},
  };
  for (const Good& c : cases) EXPECT_EQ(ForDisplay(c.raw), c.text);
}

// URLs in normal form are taken without curl; a redirect's never are.
TEST(Url, PlainUrlsAreWhatCurlMakesOfThem) {
  const std::string parts[] = {"https://", "http://", "e.com",  "cdn1.e-x.com",
                               "/",        "a.jpg",   "..",     ".",
                               "?v=1",     "&w=2",    "&amp;",  "?",
                               "1.2.3.4",  "0x7f.1",  "-",      "A",
                               ":80",      ",",       "~_+=:/", "com."};
  Result<Url, Failure> base = ParseUrl("https://example.com/");
  ASSERT_TRUE(base);
  std::mt19937 random(3);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = parts[random() % 2];
    for (size_t n = 1 + random() % 6; n > 0; --n) {
      text += parts[2 + random() % (std::size(parts) - 2)];
    }
    if (text.find("&amp;") != std::string::npos || text.find(":///") < 8) {
      continue;
    }
    const Result<Url, Failure> plain = ParseUrl(text);
    const Result<Url, Failure> resolved = ResolveUrl(*base, text);
    ASSERT_EQ(plain.has_value(), resolved.has_value()) << text;
    if (!plain) continue;
    ASSERT_EQ(plain->text, resolved->text) << text;
    ASSERT_EQ(plain->host, resolved->host) << text;
    ASSERT_EQ(plain->name, resolved->name) << text;
  }
}

}  // namespace
}  // namespace imgbatch
