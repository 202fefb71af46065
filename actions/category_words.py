"""Which category of products Chinese words point at: the default backbone does not know Chinese.

Names and synonyms of the categories stand beside what people do with them, so that "地板很脏" finds a vacuum
robot as "clean the floor" does by sentence vectors.
"""

from __future__ import annotations

from collections.abc import Mapping

_WORDS: Mapping[str, str] = {
    "headphones": "耳机 耳麦 耳塞 听歌 听音乐 音乐 降噪 隔音 跑步 健身 通勤 戴着 打电话 语音通话",
    "speaker": "音箱 音响 喇叭 低音 派对 聚会 放歌 放音乐 外放 音乐 收音机 家庭影院 电视声音 看电影 声音大",
    "lamp": "灯 台灯 照明 太暗 很暗 昏暗 光线 亮一点 亮堂 看书 阅读 写作业 护眼 床头 起夜",
    "kettle": "水壶 烧水 热水 开水 泡茶 喝茶 茶壶 咖啡 手冲 泡奶",
    "vacuum robot": "扫地 扫地机 吸尘 拖地 地板 地面 地毯 打扫 清洁 灰尘 猫毛 狗毛 掉毛 宠物毛 很脏 做家务",
    "monitor": "显示器 屏幕 显示屏 大屏 副屏 外接 看图表 剪辑",
    "charger": "充电 充电器 充电宝 快充 没电 电量 续航 数据线 移动电源",
    "camera": "摄像头 监控 看家 看门 门铃 拍视频 拍摄 防盗 安防 看宠物 运动相机",
    "keyboard": "键盘 打字 鼠标 码字 机械键盘 手腕",
    "watch": "手表 手环 表带 步数 计步 心率 睡眠 跑步 戴手上 定位",
}


def pointed_at(text: str) -> dict[str, float]:
    """How strongly the words of a text point at each category, the strongest at 1.0; empty when none does."""
    hits = {category: sum(word in text for word in words.split()) for category, words in _WORDS.items()}
    most = max(hits.values())
    return {category: count / most for category, count in hits.items() if count}
