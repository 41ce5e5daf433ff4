// webp.c — libwebp into memory of ours; of animations libwebpdemux finds the first frame.
#include "nn/image/formats/webp.h"

#ifdef PARE_HAS_WEBP

#include <stdio.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

static vkc_status fail(const char *name, VP8StatusCode code)
{
    if (code == VP8_STATUS_OUT_OF_MEMORY)
        return VKC_FAIL(VKC_E_NOMEM, "no memory to read %s", name);
    const char *why = code == VP8_STATUS_NOT_ENOUGH_DATA || code == VP8_STATUS_SUSPENDED ? "it is cut off"
                    : code == VP8_STATUS_UNSUPPORTED_FEATURE ? "it is of a kind of WebP that libwebp does not read"
                    : "its data are damaged";
    return VKC_FAIL(VKC_E_FORMAT, "%s is a broken picture: %s", name, why);
}

// What the container says that it holds is there: libwebp reads half a picture otherwise, or none, without saying so.
static vkc_status check_whole(const char *name, const uint8_t *p, size_t size)
{
    const uint64_t claims = (uint64_t) p[4] | (uint64_t) p[5] << 8 | (uint64_t) p[6] << 16 | (uint64_t) p[7] << 24;
    return claims <= size - 8 ? VKC_OK : fail(name, VP8_STATUS_NOT_ENOUGH_DATA);
}

vkc_status nn_webp_size(const char *name, const void *bytes, size_t size, uint32_t *width, uint32_t *height)
{
    WebPBitstreamFeatures f;
    const VP8StatusCode code = WebPGetFeatures((const uint8_t *) bytes, size, &f);
    if (code != VP8_STATUS_OK)
        return fail(name, code);
    *width = (uint32_t) f.width;
    *height = (uint32_t) f.height;
    return check_whole(name, (const uint8_t *) bytes, size);
}

// A bitstream of width x height pixels to `rgb`, whose lines are `stride` bytes apart.
static vkc_status decode(const char *name, const uint8_t *bytes, size_t size, uint32_t width, uint32_t height,
                         uint32_t stride, uint8_t *rgb)
{
    WebPDecoderConfig c;
    if (!WebPInitDecoderConfig(&c))
        return VKC_FAIL(VKC_E_FORMAT, "%s is not read: libwebp is another than this build was made with", name);
    c.output.colorspace = MODE_RGB;
    c.output.is_external_memory = 1;
    c.output.u.RGBA.rgba = rgb;
    c.output.u.RGBA.stride = (int) stride;
    c.output.u.RGBA.size = (size_t) stride * (height - 1) + (size_t) width * 3;
    VP8StatusCode code = WebPGetFeatures(bytes, size, &c.input);
    if (code == VP8_STATUS_OK && ((uint32_t) c.input.width != width || (uint32_t) c.input.height != height))
        code = VP8_STATUS_BITSTREAM_ERROR;
    if (code == VP8_STATUS_OK)
        code = WebPDecode(bytes, size, &c);
    WebPFreeDecBuffer(&c.output);
    return code == VP8_STATUS_OK ? VKC_OK : fail(name, code);
}

static vkc_status read_animation(const char *name, const void *bytes, size_t size, uint32_t width, uint32_t height,
                                 uint8_t *rgb)
{
    const WebPData data = { (const uint8_t *) bytes, size };
    WebPIterator frame;
    vkc_status st;
    WebPDemuxer *demuxer = WebPDemux(&data);
    if (demuxer == NULL)
        return fail(name, VP8_STATUS_BITSTREAM_ERROR);
    if (!WebPDemuxGetFrame(demuxer, 1, &frame)) {
        WebPDemuxDelete(demuxer);
        return VKC_FAIL(VKC_E_FORMAT, "%s is a broken picture: it is an animation without a frame", name);
    }
    const uint32_t x = (uint32_t) frame.x_offset, y = (uint32_t) frame.y_offset;
    const uint32_t w = (uint32_t) frame.width, h = (uint32_t) frame.height;
    if (!frame.complete || w == 0 || h == 0 || x > width || y > height || w > width - x || h > height - y) {
        st = fail(name, VP8_STATUS_BITSTREAM_ERROR);
    } else {
        memset(rgb, 0, (size_t) width * height * 3);
        st = decode(name, frame.fragment.bytes, frame.fragment.size, w, h, width * 3,
                    rgb + ((size_t) y * width + x) * 3);
    }
    WebPDemuxReleaseIterator(&frame);
    WebPDemuxDelete(demuxer);
    return st;
}

vkc_status nn_webp_read(const char *name, const void *bytes, size_t size, uint32_t width, uint32_t height,
                        uint8_t *rgb)
{
    WebPBitstreamFeatures f;
    const VP8StatusCode code = WebPGetFeatures((const uint8_t *) bytes, size, &f);
    if (code != VP8_STATUS_OK)
        return fail(name, code);
    if (f.has_animation)
        return read_animation(name, bytes, size, width, height, rgb);
    return decode(name, (const uint8_t *) bytes, size, width, height, width * 3, rgb);
}

const char *nn_webp_version(void)
{
    static _Thread_local char text[32];
    const int v = WebPGetDecoderVersion();
    snprintf(text, sizeof text, "%d.%d.%d", v >> 16 & 255, v >> 8 & 255, v & 255);
    return text;
}

#endif
