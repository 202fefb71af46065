"""The catalogue of the demo company, as text: four lines a product.

The lines are: code, category, price in EUR, English name, Chinese name; the English description; the Chinese
description; facts.
"""

from __future__ import annotations

from decimal import Decimal

from crm_connector.tables import Product

_TEXT = """
LC-HP-120 | headphones | 59.00 | Aria 120 wired headphones | Aria 120 有线头戴式耳机
Light over-ear headphones with a two-metre cable, clear voices for calls, films and study.
轻便的头戴式耳机，两米长线，人声清晰，适合通话、看电影和学习。
weight=190 g; cable=2 m; microphone=yes
LC-HP-160 | headphones | 79.00 | Pebble 160 true wireless earbuds | Pebble 160 真无线耳机
Small earbuds with a charging case that fits any pocket; splash-proof for the way to work.
小巧的真无线耳机，充电盒可放进口袋，防泼溅，适合通勤。
battery=24 h with case; weight=42 g; protection=IPX4
LC-HP-210 | headphones | 129.90 | Aria 210 wireless headphones | Aria 210 无线头戴式耳机
Wireless over-ear headphones with active noise cancelling and soft cushions for long flights.
无线头戴式耳机，主动降噪，柔软耳垫，长途飞行也舒适。
battery=40 h; weight=250 g; noise cancelling=yes
LC-HP-250 | headphones | 149.00 | Stride 250 sports earbuds | Stride 250 运动耳机
Earbuds with ear hooks that stay in place while running; sweat-proof, with deep bass.
耳挂式运动耳机，跑步不掉落，防汗，低音浑厚。
battery=30 h with case; protection=IP67; weight=52 g
LC-HP-320 | headphones | 199.00 | Raid 320 gaming headset | Raid 320 游戏耳机
Gaming headset with a boom microphone, surround sound and a wireless link without delay.
带麦克风的游戏耳机，环绕声，低延迟无线连接。
battery=60 h; microphone=boom; weight=310 g
LC-HP-480 | headphones | 329.00 | Aria 480 studio headphones | Aria 480 录音室耳机
Open-back reference headphones for mixing music and careful listening at home.
开放式监听耳机，适合混音和在家静心听音乐。
impedance=80 ohm; cable=3 m; weight=290 g
LC-SP-110 | speaker | 39.90 | Pip 110 pocket speaker | Pip 110 迷你音箱
A round speaker for the rucksack with a carrying loop; survives rain and sand.
圆形便携音箱，带挂绳，不怕雨水和沙子，适合户外。
battery=10 h; power=5 W; protection=IP67
LC-SP-200 | speaker | 89.00 | Tide 200 Bluetooth speaker | Tide 200 蓝牙音箱
Room-filling Bluetooth speaker with warm bass; two of them play in stereo.
声音饱满的蓝牙音箱，低音温暖，两只可组成立体声。
battery=18 h; power=20 W; protection=IPX7
LC-SP-260 | speaker | 119.00 | Chord 260 kitchen radio | Chord 260 厨房收音机音箱
Digital radio and Bluetooth speaker with a timer and a clock for the kitchen shelf.
数字收音机兼蓝牙音箱，带定时器和时钟，适合厨房。
power=15 W; radio=DAB+ and FM; display=2.4 inch
LC-SP-340 | speaker | 179.00 | Tide 340 party speaker | Tide 340 派对音箱
Loud speaker with lights and a microphone input for parties in the garden.
大音量派对音箱，带灯光和话筒接口，适合花园聚会。
battery=14 h; power=80 W; weight=4.1 kg
LC-SP-420 | speaker | 249.00 | Stage 420 soundbar | Stage 420 回音壁音响
Slim soundbar with a wireless subwoofer that makes speech on television easy to follow.
纤薄回音壁，配无线低音炮，让电视对白更清楚。
power=160 W; connection=HDMI eARC; width=90 cm
LC-SP-560 | speaker | 399.00 | Duo 560 bookshelf speakers | Duo 560 书架音箱
A pair of active bookshelf speakers in oak for records and streaming.
橡木有源书架音箱一对，适合黑胶唱片和流媒体。
power=2 x 60 W; connection=phono and Wi-Fi; weight=11 kg
LC-LM-110 | lamp | 24.90 | Dot 110 night light | Dot 110 小夜灯
Night light with a motion sensor that glows softly for children and corridors.
人体感应小夜灯，光线柔和，适合儿童房和走廊。
power=1 W; sensor=motion; charging=USB-C
LC-LM-180 | lamp | 39.00 | Leaf 180 clip lamp | Leaf 180 夹式阅读灯
Clip-on reading light with a bendable neck for bed and book.
夹式阅读灯，灯颈可弯曲，适合床头看书。
battery=20 h; brightness=3 levels; weight=120 g
LC-LM-240 | lamp | 59.00 | Nook 240 desk lamp | Nook 240 台灯
Desk lamp without flicker, with a dimmer and a socket that charges the phone.
无频闪台灯，可调光，底座可给手机充电，适合学习和办公。
power=9 W; colour=2700 to 6000 K; charging port=USB-A
LC-LM-310 | lamp | 89.90 | Nook 310 smart lamp | Nook 310 智能台灯
Smart table lamp that follows the daylight and obeys app and voice.
智能台灯，随日光自动调节色温，支持手机和语音控制。
power=12 W; colour=16 million; connection=Wi-Fi
LC-LM-370 | lamp | 129.00 | Dawn 370 wake-up light | Dawn 370 唤醒灯
Wake-up light that imitates sunrise, with bird song and a radio.
模拟日出的唤醒灯，配鸟鸣声和收音机，轻松起床。
sunrise=20 to 40 min; sounds=8; radio=FM
LC-LM-450 | lamp | 169.00 | Reed 450 floor lamp | Reed 450 落地灯
Tall floor lamp for the reading corner, dimmed by foot.
高挑的落地灯，脚踏调光，适合阅读角和客厅。
height=160 cm; power=18 W; colour=2700 K
LC-KT-100 | kettle | 29.90 | Brook 100 travel kettle | Brook 100 旅行电水壶
Foldable kettle for hotel rooms, for mains of 110 and 230 volts.
可折叠旅行电水壶，双电压，适合酒店使用。
volume=0.6 l; power=800 W; weight=560 g
LC-KT-150 | kettle | 39.90 | Brook 150 electric kettle | Brook 150 电热水壶
Plain steel kettle that boils a litre in under three minutes and then switches off.
不锈钢电热水壶，三分钟内烧开一升水，自动断电。
volume=1.7 l; power=2400 W; material=steel
LC-KT-210 | kettle | 59.00 | Brook 210 glass kettle | Brook 210 玻璃电水壶
Glass kettle with a tea strainer and a blue light while it heats.
玻璃电水壶，带茶滤，加热时有蓝色灯光。
volume=1.5 l; power=2200 W; material=glass
LC-KT-280 | kettle | 79.00 | Brook 280 temperature kettle | Brook 280 控温电水壶
Kettle with five temperatures for green tea, coffee and baby milk; keeps warm for an hour.
五档控温电水壶，适合绿茶、咖啡和冲奶粉，可保温一小时。
volume=1.5 l; temperatures=40 to 100 C; power=2000 W
LC-KT-340 | kettle | 99.00 | Heron 340 gooseneck kettle | Heron 340 鹅颈手冲壶
Gooseneck kettle for pour-over coffee, exact to the degree.
鹅颈手冲咖啡壶，精确到一度，水流稳定。
volume=0.9 l; temperatures=40 to 100 C; timer=yes
LC-KT-400 | kettle | 139.00 | Harbour 400 hot water dispenser | Harbour 400 即热饮水机
Hot water by the cup within seconds for the whole family or office.
几秒出热水的即热饮水机，适合全家或办公室。
volume=3 l; power=2600 W; safety=child lock
LC-VR-150 | vacuum robot | 179.00 | Otter 150 vacuum robot | Otter 150 扫地机器人
Small robot for flats with hard floors; starts by timer and finds its dock.
小型扫地机器人，适合硬地板公寓，可定时，自动回充。
battery=90 min; suction=1800 Pa; height=7.5 cm
LC-VR-230 | vacuum robot | 259.00 | Otter 230 vacuum and mop robot | Otter 230 扫拖一体机器人
Vacuums and mops in one go and keeps off the carpet when wet.
扫拖一体机器人，湿拖时自动避开地毯。
battery=120 min; suction=2700 Pa; water tank=300 ml
LC-VR-310 | vacuum robot | 349.00 | Otter 310 pet vacuum robot | Otter 310 宠物扫地机器人
Robot with a rubber brush that does not tangle in the hair of cats and dogs.
防缠绕橡胶刷，专为猫狗毛发设计的扫地机器人。
battery=150 min; suction=4000 Pa; filter=HEPA
LC-VR-400 | vacuum robot | 499.00 | Otter 400 laser vacuum robot | Otter 400 激光扫地机器人
Laser-guided robot that draws a map, learns rooms and cleans where you tap.
激光导航扫地机器人，自动建图，识别房间，指哪扫哪。
battery=180 min; suction=5000 Pa; navigation=laser
LC-VR-520 | vacuum robot | 699.00 | Otter 520 self-emptying robot | Otter 520 自动集尘机器人
Empties itself into its station for two months, washes and dries its own mop.
自动集尘基站，两个月免倒垃圾，自动洗拖布并烘干。
battery=180 min; suction=6000 Pa; station=dust and water
LC-VR-080 | vacuum robot | 29.90 | Otter brush and filter set | Otter 刷子滤网套装
Spare brushes, filters and mop cloths for one year, for all Otter robots.
Otter 系列一年用量的备用刷子、滤网和拖布。
brushes=4; filters=4; cloths=6
LC-MN-220 | monitor | 149.00 | Vista 220 monitor | Vista 220 显示器
Full-HD monitor for home office and school with little blue light.
全高清显示器，低蓝光，适合居家办公和学习。
size=24 inch; resolution=1920 x 1080; refresh=75 Hz
LC-MN-270 | monitor | 279.00 | Vista 270 4K monitor | Vista 270 4K 显示器
Sharp 4K monitor with a single USB-C cable for picture, data and power.
清晰的 4K 显示器，一根 USB-C 线传输画面、数据和供电。
size=27 inch; resolution=3840 x 2160; charging=65 W
LC-MN-290 | monitor | 319.00 | Raid 290 gaming monitor | Raid 290 电竞显示器
Gaming monitor of 165 hertz that answers within a millisecond.
165 赫兹电竞显示器，一毫秒响应，画面流畅。
size=27 inch; resolution=2560 x 1440; refresh=165 Hz
LC-MN-340 | monitor | 449.00 | Vista 340 ultrawide monitor | Vista 340 带鱼屏显示器
Curved ultrawide monitor that replaces two screens on the desk.
曲面带鱼屏，一台顶两台，桌面更整洁。
size=34 inch; resolution=3440 x 1440; curve=1500R
LC-MN-160 | monitor | 189.00 | Vista 160 portable monitor | Vista 160 便携显示器
Flat second screen for the laptop bag, powered through USB-C.
轻薄便携副屏，USB-C 供电，随身携带。
size=15.6 inch; weight=720 g; resolution=1920 x 1080
LC-MN-050 | monitor | 69.00 | Vista monitor arm | Vista 显示器支架
Arm with a gas spring that lifts a monitor off the desk.
气弹簧显示器支架，升降自如，节省桌面空间。
load=9 kg; clamp=10 to 60 mm; mount=VESA 100
LC-CH-020 | charger | 19.90 | Spark 20 phone charger | Spark 20 手机充电器
Small wall charger that fills a phone by half within half an hour.
小巧的手机快充头，半小时充至一半。
power=20 W; ports=1 USB-C; weight=45 g
LC-CH-065 | charger | 44.90 | Spark 65 laptop charger | Spark 65 笔记本充电器
Charger of 65 watts with three ports for laptop, tablet and phone.
65 瓦三口充电器，笔记本、平板和手机同时充。
power=65 W; ports=2 USB-C, 1 USB-A; weight=130 g
LC-CH-100 | charger | 69.00 | Spark 100 desk charger | Spark 100 桌面充电站
Charging station with five ports that keeps cables on the desk in order.
五口桌面充电站，让桌面线材井井有条。
power=100 W; ports=3 USB-C, 2 USB-A; cable=1.5 m
LC-CH-150 | charger | 34.90 | Halo 150 wireless charger | Halo 150 无线充电器
Magnetic pad that charges phone and earbuds without a cable.
磁吸无线充电板，手机和耳机放上即充。
power=15 W; standard=Qi2; cable=1 m
LC-CH-210 | charger | 39.00 | Stone 210 power bank | Stone 210 移动电源
Power bank for two days away from the socket; allowed on board of planes.
大容量移动电源，两天不插电，可带上飞机。
capacity=20000 mAh; power=30 W; weight=340 g
LC-CH-010 | charger | 12.90 | Spark USB-C cable | Spark USB-C 数据线
Braided cable of two metres for charging and data.
两米编织 USB-C 线，充电和传输数据。
length=2 m; power=100 W; data=480 Mbit/s
LC-CM-110 | camera | 49.00 | Owl 110 webcam | Owl 110 网络摄像头
Webcam with a cover and two microphones for video calls in poor light.
带遮挡盖的网络摄像头，双麦克风，弱光也清晰，适合视频会议。
resolution=1920 x 1080; field of view=78 degrees; microphone=2
LC-CM-190 | camera | 69.00 | Owl 190 indoor camera | Owl 190 室内监控摄像头
Indoor camera that turns, sees at night and tells people from pets.
可旋转室内摄像头，夜视，能区分人和宠物。
resolution=2560 x 1440; storage=microSD; rotation=360 degrees
LC-CM-260 | camera | 129.00 | Owl 260 doorbell camera | Owl 260 可视门铃
Doorbell with a camera that shows who is at the door, wherever you are.
可视门铃，随时随地看见门口来客。
battery=6 months; resolution=2048 x 1536; chime=included
LC-CM-330 | camera | 179.00 | Owl 330 outdoor camera | Owl 330 户外摄像头
Weather-proof outdoor camera with a solar panel and a spotlight.
防风雨户外摄像头，配太阳能板和补光灯。
resolution=3840 x 2160; protection=IP66; power=solar
LC-CM-410 | camera | 299.00 | Trek 410 action camera | Trek 410 运动相机
Action camera with a steady picture for bicycle, ski and diving.
防抖运动相机，适合骑行、滑雪和潜水。
resolution=5.3K; waterproof=10 m; weight=154 g
LC-CM-060 | camera | 24.90 | Trek memory card | Trek 存储卡
Fast memory card for cameras, with a case.
相机高速存储卡，附收纳盒。
capacity=128 GB; speed=170 MB/s; class=V30
LC-KB-110 | keyboard | 39.90 | Quill 110 wireless keyboard | Quill 110 无线键盘
Quiet flat keyboard for tablet and computer, changes between three devices.
安静的超薄无线键盘，可在三台设备间切换。
battery=2 years; layout=full; connection=Bluetooth
LC-KB-180 | keyboard | 59.00 | Quill 180 keyboard and mouse set | Quill 180 键鼠套装
Wireless keyboard and mouse in one set for the home office.
无线键鼠套装，适合居家办公。
battery=18 months; connection=2.4 GHz; keys=quiet
LC-KB-240 | keyboard | 99.00 | Quill 240 mechanical keyboard | Quill 240 机械键盘
Mechanical keyboard with brown switches, lit keys and a steel plate.
茶轴机械键盘，背光按键，钢板定位。
switches=brown; layout=75 %; connection=USB-C and Bluetooth
LC-KB-300 | keyboard | 129.00 | Quill 300 ergonomic keyboard | Quill 300 人体工学键盘
Split keyboard with a wrist rest that spares shoulders and wrists.
分体式人体工学键盘，带腕托，保护肩膀和手腕。
layout=split; battery=1 year; wrist rest=yes
LC-KB-360 | keyboard | 149.00 | Raid 360 gaming keyboard | Raid 360 游戏键盘
Gaming keyboard with fast magnetic switches and a volume wheel.
磁轴游戏键盘，响应极快，带音量旋钮。
switches=magnetic; lights=RGB; connection=USB-C
LC-KB-050 | keyboard | 29.00 | Quill vertical mouse | Quill 垂直鼠标
Upright mouse that holds the hand as in a handshake.
垂直鼠标，握持如握手，缓解手腕疲劳。
battery=6 months; resolution=2400 dpi; connection=Bluetooth
LC-WT-100 | watch | 59.00 | Pace 100 fitness band | Pace 100 运动手环
Slim fitness band for steps, sleep and pulse with a battery for two weeks.
轻薄运动手环，记录步数、睡眠和心率，两周续航。
battery=14 days; waterproof=5 ATM; weight=24 g
LC-WT-150 | watch | 149.00 | Pace 150 smartwatch | Pace 150 智能手表
Smartwatch with calls at the wrist, contactless payment and a bright display.
智能手表，支持腕上通话和非接触支付，屏幕明亮。
battery=7 days; display=1.4 inch; waterproof=5 ATM
LC-WT-220 | watch | 229.00 | Pace 220 running watch | Pace 220 跑步手表
Running watch with exact satellite positioning and training plans.
卫星定位精准的跑步手表，带训练计划。
battery=20 h with GPS; weight=39 g; waterproof=5 ATM
LC-WT-290 | watch | 329.00 | Summit 290 outdoor watch | Summit 290 户外手表
Watch for mountains with maps, altimeter and a glass that does not scratch.
登山手表，带离线地图和高度计，蓝宝石玻璃不易刮花。
battery=24 days; glass=sapphire; waterproof=10 ATM
LC-WT-180 | watch | 99.00 | Pace 180 watch for children | Pace 180 儿童手表
Watch for children with calls to family, position and quiet hours at school.
儿童电话手表，可与家人通话、定位，上课时免打扰。
battery=2 days; positioning=GPS and Wi-Fi; waterproof=IP68
LC-WT-020 | watch | 19.90 | Pace watch strap | Pace 表带
Silicone strap for all Pace watches, in five colours.
适用于 Pace 系列手表的硅胶表带，五种颜色可选。
width=20 mm; material=silicone; colours=5
"""


def sample_products() -> list[Product]:
    """The sixty products, not stored."""
    lines = _TEXT.strip().splitlines()
    return [_product(*lines[start : start + 4]) for start in range(0, len(lines), 4)]


def _product(head: str, description_en: str, description_zh: str, facts: str) -> Product:
    code, category, price, name_en, name_zh = (part.strip() for part in head.split("|"))
    return Product(
        code=code,
        category=category,
        price=Decimal(price),
        name_en=name_en,
        name_zh=name_zh,
        description_en=description_en,
        description_zh=description_zh,
        attributes=dict(fact.strip().split("=", 1) for fact in facts.split(";")),
    )
