#include "formats/csv_dialects.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "formats/csv_text.h"

namespace imgbatch {
namespace {

// In order of preference where two fit equally well.
const std::vector<Dialect>& Table() {
  static const std::vector<Dialect> table{
      {.name = "imgbatch",
       .title = "imgbatch's own (serial number, product name, input URLs)",
       .one_of = {"input image urls", "input image url"},
       .strong = {"s. no.", "serial number", "product name"},
       .images = {"input image urls", "input image url"},
       .product = {"product name"}},
      {.name = "shopify",
       .title = "Shopify products",
       .required = {"url handle", "product image url"},
       .strong = {"title", "variant image url", "image position",
                  "image alt text", "sku", "vendor"},
       .images = {"product image url", "variant image url"},
       .product = {"title", "url handle"},
       .group = "url handle"},
      {.name = "shopify-legacy",
       .title = "Shopify products, older template",
       .required = {"handle", "image src"},
       .strong = {"title", "variant image", "image position", "image alt text",
                  "variant sku", "body (html)", "vendor"},
       .images = {"image src", "variant image"},
       .product = {"title", "handle"},
       .group = "handle"},
      {.name = "woocommerce",
       .title = "WooCommerce products",
       .required = {"images"},
       .strong = {"type", "sku", "name", "published", "is featured?",
                  "visibility in catalog", "parent", "regular price",
                  "short description", "categories", "stock", "tax status"},
       .min_strong = 3,
       .images = {"images"},
       .product = {"name"}},
      {.name = "woocommerce-webtoffee",
       .title = "WooCommerce products, WebToffee's exporter",
       .required = {"images", "post title"},
       .strong = {"post name", "sku", "parent sku", "post status",
                  "tax:product type", "regular price", "post content"},
       .images = {"images"},
       .product = {"post title"}},
      {.name = "magento",
       .title = "Magento / Adobe Commerce products",
       .required = {"sku"},
       .one_of = {"base image", "small image", "thumbnail image",
                  "additional images"},
       .strong = {"attribute set code", "product type", "product websites",
                  "base image label", "additional image labels", "url key",
                  "swatch image", "base image", "small image",
                  "thumbnail image", "additional images"},
       .images = {"base image", "small image", "thumbnail image",
                  "swatch image", "additional images"},
       .product = {"name", "sku"}},
      {.name = "meta",
       .title = "Meta (Facebook, Instagram) catalogue",
       .required = {"id", "title"},
       .one_of = {"image link", "image[#].url", "image"},
       .strong = {"availability", "image[#].url", "fb product category",
                  "quantity to sell on facebook", "retailer id", "video[#].url",
                  "commerce tax category"},
       .min_strong = 1,
       .images = {"image link", "image", "image[#].url",
                  "additional image link", "additional image link[#]"},
       .product = {"title"}},
      {.name = "google",
       .title = "Google Merchant Center feed",
       .required = {"image link"},
       .strong = {"id", "title", "link", "description", "availability", "price",
                  "additional image link", "gtin", "mpn", "brand", "condition",
                  "google product category"},
       .min_strong = 1,
       .negative = {"image[#].url", "fb product category",
                    "quantity to sell on facebook", "commerce tax category"},
       .images = {"image link", "additional image link",
                  "additional image link #"},
       .product = {"title"}},
      {.name = "amazon",
       .title = "Amazon flat file",
       .required = {"main image url"},
       .one_of = {"item sku", "item name", "feed product type"},
       .strong = {"item sku", "item name", "feed product type",
                  "other image url#", "swatch image url"},
       .images = {"main image url", "other image url#", "swatch image url"},
       .product = {"item name", "item sku"}},
      {.name = "amazon-listings",
       .title = "Amazon listings file",
       .one_of = {"main product image locator*"},
       .strong = {"contribution sku*", "item name*", "product type*"},
       .images = {"main product image locator*",
                  "other product image locator #*",
                  "swatch product image locator*"},
       .product = {"item name*", "contribution sku*"}},
      {.name = "bigcommerce",
       .title = "BigCommerce products",
       .one_of = {"product image url - #", "product image file - #"},
       .strong = {"item type", "product name", "product code/sku", "product id",
                  "product type", "product image description - #",
                  "product image is thumbnail - #"},
       .images = {"product image url - #"},
       .else_images = {"product image file - #"},
       .product = {"product name"},
       .group = "*"},
      {.name = "prestashop",
       .title = "PrestaShop products",
       .one_of = {"image urls (x,y,z...)", "image urls (x,y,z…)",
                  "image urls (x, y, z...)"},
       .strong = {"product id", "active (0/1)", "name",
                  "categories (x,y,z...)"},
       .images = {"image urls (x,y,z...)", "image urls (x,y,z…)",
                  "image urls (x, y, z...)"},
       .product = {"name"}},
      {.name = "etsy",
       .title = "Etsy listings",
       .required = {"title", "image1"},
       .strong = {"description", "price", "currency code", "quantity", "tags",
                  "materials", "image2", "sku"},
       .min_strong = 2,
       .images = {"image#"},
       .product = {"title"}},
      {.name = "ebay",
       .title = "eBay Seller Hub or File Exchange",
       .one_of = {"item photo url", "picurl", "pic url"},
       .strong = {"action(*", "action", "custom label (sku)", "customlabel",
                  "title", "category id", "format", "duration"},
       .min_strong = 1,
       .images = {"item photo url", "picurl", "pic url"},
       .product = {"title"}},
      {.name = "akeneo",
       .title = "Akeneo products",
       .required = {"sku", "family"},
       .one_of = {"picture", "picture#", "pictures", "image", "image #",
                  "images", "image-*", "picture-*", "media", "assets"},
       .strong = {"categories", "enabled", "groups", "parent"},
       .min_strong = 1,
       .images = {"picture", "picture#", "pictures", "image", "image #",
                  "images", "image-*", "picture-*", "media", "assets"},
       .product = {"name*", "sku"}},
  };
  return table;
}

bool AnyMatches(std::span<const std::string> names, std::string_view pattern) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return NameMatches(name, pattern);
  });
}

// The parts of a name between anything but letters and digits.
std::vector<std::string_view> Words(std::string_view name) {
  std::vector<std::string_view> words;
  size_t begin = 0;
  for (size_t i = 0; i <= name.size(); ++i) {
    const bool inside =
        i < name.size() && ((name[i] >= 'a' && name[i] <= 'z') ||
                            static_cast<uint8_t>(name[i]) >= 0x80);
    if (inside) continue;
    if (i > begin) words.push_back(name.substr(begin, i - begin));
    begin = i + 1;
  }
  return words;
}

}  // namespace

std::span<const Dialect> Dialects() { return Table(); }

const Dialect* DialectNamed(std::string_view name) {
  for (const Dialect& dialect : Table()) {
    if (dialect.name == name) return &dialect;
  }
  return nullptr;
}

int DialectScore(const Dialect& dialect, std::span<const std::string> names,
                 std::string* why) {
  std::vector<std::string_view> found;
  const auto note = [&](std::string_view name) {
    if (std::find(found.begin(), found.end(), name) == found.end()) {
      found.push_back(name);
    }
  };
  for (const std::string_view name : dialect.negative) {
    if (AnyMatches(names, name)) return 0;
  }
  for (const std::string_view name : dialect.required) {
    if (!AnyMatches(names, name)) return 0;
    note(name);
  }
  bool one = dialect.one_of.empty();
  for (const std::string_view name : dialect.one_of) {
    if (!AnyMatches(names, name)) continue;
    one = true;
    note(name);
  }
  if (!one) return 0;
  size_t strong = 0;
  for (const std::string_view name : dialect.strong) {
    if (!AnyMatches(names, name)) continue;
    ++strong;
    note(name);
  }
  if (strong < dialect.min_strong) return 0;
  if (why != nullptr) *why = fmt::format("{}", fmt::join(found, ", "));
  return static_cast<int>(10 + strong);
}

std::vector<size_t> ColumnsMatching(
    std::span<const std::string> names,
    std::span<const std::string_view> patterns) {
  std::vector<size_t> columns;
  for (size_t i = 0; i < names.size(); ++i) {
    const bool matches = std::any_of(
        patterns.begin(), patterns.end(),
        [&](std::string_view p) { return NameMatches(names[i], p); });
    if (matches && !IsOutputName(names[i])) columns.push_back(i);
  }
  return columns;
}

bool IsImageName(std::string_view normal_name) {
  if (IsOutputName(normal_name)) return false;
  // Any separator in it means that the delimiter was guessed wrong.
  if (normal_name.find_first_of(";|\t") != std::string_view::npos) return false;
  constexpr std::array<std::string_view, 7> kParts{
      "image", "photo", "picture", "bild", "imagen", "imagem", "foto"};
  constexpr std::array<std::string_view, 8> kWords{
      "img", "imgs", "imgurl", "pic", "pics", "media", "picurl", "mediaurl"};
  constexpr std::array<std::string_view, 22> kOthers{
      "alt",   "text",   "title",  "caption",   "label",       "labels",
      "count", "type",   "id",     "ids",       "width",       "height",
      "size",  "order",  "sort",   "position",  "description", "credit",
      "hash",  "number", "format", "visibility"};
  const std::vector<std::string_view> words = Words(normal_name);
  bool image = false;
  for (const std::string_view part : kParts) {
    if (normal_name.find(part) != std::string_view::npos) image = true;
  }
  for (const std::string_view word : words) {
    if (std::find(kWords.begin(), kWords.end(), word) != kWords.end()) {
      image = true;
    }
    if (std::find(kOthers.begin(), kOthers.end(), word) != kOthers.end()) {
      return false;
    }
  }
  return image;
}

bool IsOutputName(std::string_view normal_name) {
  return NameMatches(normal_name, "output image urls") ||
         NameMatches(normal_name, "output image urls #") ||
         NameMatches(normal_name, "image errors") ||
         NameMatches(normal_name, "image errors #") ||
         normal_name.ends_with("(output)");
}

}  // namespace imgbatch
