/* Files of the conversation: sending one, showing a picture, saving. Loaded when there is a file. */

import { element } from "./main.js";

const LARGEST_PICTURE_PX = 520;

/* What a request to the server says about who asks: the same as a hello, where no log sees it. */
function authorization(chat) {
  const bytes = new TextEncoder().encode(JSON.stringify(chat.visitor()));
  return `Bearer ${btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_")}`;
}

/* Send a file; resolves to what the server keeps, rejects with the server's reason. */
export function upload(chat, file, key, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", chat.settings.filesUrl + key);
    request.setRequestHeader("Authorization", authorization(chat));
    request.setRequestHeader("X-File-Name", encodeURIComponent(file.name));
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
    request.onload = () =>
      request.status === 201 ? resolve(request.response) : reject(request.response?.reason);
    request.onerror = reject;
    request.send(file);
  });
}

async function content(chat, { id, local }) {
  const known = local || chat.blobs.get(id);
  if (known) return known;
  const headers = { Authorization: authorization(chat) };
  const response = await fetch(chat.settings.filesUrl + id, { headers });
  if (!response.ok) throw new Error(`file ${id}: ${response.status}`);
  return response.blob();
}

/* Painted, not linked: a page's policy for pictures has no say, and no address is left behind. */
export async function preview(chat, file, tile) {
  const bitmap = await createImageBitmap(await content(chat, file));
  const scale = Math.min(1, LARGEST_PICTURE_PX / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.ceil(side * scale));
  const canvas = element("canvas", { width, height });
  canvas.getContext("2d").drawImage(bitmap, 0, 0, width, height);
  tile.firstChild.replaceWith(canvas);
}

export async function save(chat, file) {
  const href = URL.createObjectURL(await content(chat, file));
  element("a", { href, download: file.name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
