// The models of ecp5_blocks.v against a plain memory and a plain product. Prints PASS, or what differs.

`timescale 1ns/1ps
`default_nettype none

module blocks_tb;
  integer differences = 0, compared = 0, i;
  reg clk = 0;
  always #5 clk = !clk;

  // Products of every sign.
  reg [17:0] a, b;
  reg signed_a, signed_b;
  wire [35:0] product;
  MULT18X18D u_mult (.A0(a[0]), .A1(a[1]), .A2(a[2]), .A3(a[3]), .A4(a[4]), .A5(a[5]), .A6(a[6]), .A7(a[7]),
    .A8(a[8]), .A9(a[9]), .A10(a[10]), .A11(a[11]), .A12(a[12]), .A13(a[13]), .A14(a[14]), .A15(a[15]), .A16(a[16]),
    .A17(a[17]), .B0(b[0]), .B1(b[1]), .B2(b[2]), .B3(b[3]), .B4(b[4]), .B5(b[5]), .B6(b[6]), .B7(b[7]), .B8(b[8]),
    .B9(b[9]), .B10(b[10]), .B11(b[11]), .B12(b[12]), .B13(b[13]), .B14(b[14]), .B15(b[15]), .B16(b[16]),
    .B17(b[17]), .P0(product[0]), .P1(product[1]), .P2(product[2]), .P3(product[3]), .P4(product[4]),
    .P5(product[5]), .P6(product[6]), .P7(product[7]), .P8(product[8]), .P9(product[9]), .P10(product[10]),
    .P11(product[11]), .P12(product[12]), .P13(product[13]), .P14(product[14]), .P15(product[15]),
    .P16(product[16]), .P17(product[17]), .P18(product[18]), .P19(product[19]), .P20(product[20]),
    .P21(product[21]), .P22(product[22]), .P23(product[23]), .P24(product[24]), .P25(product[25]),
    .P26(product[26]), .P27(product[27]), .P28(product[28]), .P29(product[29]), .P30(product[30]),
    .P31(product[31]), .P32(product[32]), .P33(product[33]), .P34(product[34]), .P35(product[35]),
    .SIGNEDA(signed_a), .SIGNEDB(signed_b));
  reg signed [63:0] expected;
  initial begin
    for (i = 0; i < 20000; i = i + 1) begin
      a = (i % 7 == 0) ? 18'h20000 : $random;
      b = (i % 11 == 0) ? 18'h3FFFF : $random;
      {signed_a, signed_b} = i[1:0];
      #1;
      expected = $signed({{46{signed_a && a[17]}}, a}) * $signed({{46{signed_b && b[17]}}, b});
      compared = compared + 1;
      if (product !== expected[35:0]) differences = differences + 1;
    end
  end

  // The register behind a product: new with the clock, where enabled; a reset goes before the enable.
  reg [3:0] x, y;
  reg enable, clear;
  wire [7:0] held;
  reg [7:0] held_before;
  MULT18X18D #(.REG_OUTPUT_CLK("CLK0"), .REG_OUTPUT_CE("CE0"), .REG_OUTPUT_RST("RST0"), .GSR("DISABLED")) u_held (
    .A0(x[0]), .A1(x[1]), .A2(x[2]), .A3(x[3]), .B0(y[0]), .B1(y[1]), .B2(y[2]), .B3(y[3]), .A4(1'b0), .A5(1'b0),
    .A6(1'b0), .A7(1'b0), .A8(1'b0), .A9(1'b0), .A10(1'b0), .A11(1'b0), .A12(1'b0), .A13(1'b0), .A14(1'b0),
    .A15(1'b0), .A16(1'b0), .A17(1'b0), .B4(1'b0), .B5(1'b0), .B6(1'b0), .B7(1'b0), .B8(1'b0), .B9(1'b0),
    .B10(1'b0), .B11(1'b0), .B12(1'b0), .B13(1'b0), .B14(1'b0), .B15(1'b0), .B16(1'b0), .B17(1'b0), .SIGNEDA(1'b0),
    .SIGNEDB(1'b0), .CLK0(clk), .CE0(enable), .RST0(clear), .P0(held[0]), .P1(held[1]), .P2(held[2]), .P3(held[3]),
    .P4(held[4]), .P5(held[5]), .P6(held[6]), .P7(held[7]));
  initial begin
    repeat (4000) begin
      @(negedge clk);
      x = $random; y = $random; enable = $random; clear = (($random & 7) == 0);
      held_before = held;
      #1;
      compared = compared + 2;
      if (held !== held_before) differences = differences + 1;
      @(posedge clk);
      #1;
      if (held !== (clear ? 8'd0 : enable ? x * y : held_before)) differences = differences + 1;
    end
  end

  // 1 bits wide: port A writes, port B reads.
  reg [13:0] write_1, read_1, asked_1;
  reg [0:0] data_1, words_1 [0:16383];
  reg known_1 [0:16383];
  reg enable_1;
  wire [17:0] out_1;
  DP16KD #(.DATA_WIDTH_A(1), .DATA_WIDTH_B(1)) u_1 (
    .CLKA(clk), .CLKB(clk), .CEA(1'b1), .CEB(1'b1), .WEA(enable_1), .WEB(1'b0), .RSTA(1'b0), .RSTB(1'b0),
    .ADA0(write_1[0]), .ADA1(write_1[1]), .ADA2(write_1[2]), .ADA3(write_1[3]), .ADA4(write_1[4]),
      .ADA5(write_1[5]), .ADA6(write_1[6]), .ADA7(write_1[7]), .ADA8(write_1[8]), .ADA9(write_1[9]),
      .ADA10(write_1[10]), .ADA11(write_1[11]), .ADA12(write_1[12]), .ADA13(write_1[13]),
    .ADB0(read_1[0]), .ADB1(read_1[1]), .ADB2(read_1[2]), .ADB3(read_1[3]), .ADB4(read_1[4]), .ADB5(read_1[5]),
      .ADB6(read_1[6]), .ADB7(read_1[7]), .ADB8(read_1[8]), .ADB9(read_1[9]), .ADB10(read_1[10]),
      .ADB11(read_1[11]), .ADB12(read_1[12]), .ADB13(read_1[13]),
    .DIA0(data_1[0]), .DIA1(1'b0), .DIA2(1'b0), .DIA3(1'b0), .DIA4(1'b0), .DIA5(1'b0), .DIA6(1'b0), .DIA7(1'b0),
      .DIA8(1'b0), .DIA9(1'b0), .DIA10(1'b0), .DIA11(1'b0), .DIA12(1'b0), .DIA13(1'b0), .DIA14(1'b0), .DIA15(1'b0),
      .DIA16(1'b0), .DIA17(1'b0),
    .DOB0(out_1[0]), .DOB1(out_1[1]), .DOB2(out_1[2]), .DOB3(out_1[3]), .DOB4(out_1[4]), .DOB5(out_1[5]),
      .DOB6(out_1[6]), .DOB7(out_1[7]), .DOB8(out_1[8]), .DOB9(out_1[9]), .DOB10(out_1[10]), .DOB11(out_1[11]),
      .DOB12(out_1[12]), .DOB13(out_1[13]), .DOB14(out_1[14]), .DOB15(out_1[15]), .DOB16(out_1[16]),
      .DOB17(out_1[17])
  );
  initial begin
    for (asked_1 = 0; asked_1 < 16383; asked_1 = asked_1 + 1) known_1[asked_1] = 0;
    repeat (6000) begin
      @(negedge clk);
      write_1 = $random; read_1 = $random; data_1 = $random; enable_1 = $random;
      if (($random & 1) == 0) read_1 = asked_1;
      if (read_1 == write_1) enable_1 = 0;
      @(posedge clk);
      #1;
      if (known_1[read_1]) begin
        compared = compared + 1;
        if (out_1[0:0] !== words_1[read_1]) differences = differences + 1;
      end
      if (enable_1) begin
        words_1[write_1] = data_1;
        known_1[write_1] = 1;
        asked_1 = write_1;
      end
    end
  end

  // 2 bits wide: port A writes, port B reads.
  reg [12:0] write_2, read_2, asked_2;
  reg [1:0] data_2, words_2 [0:8191];
  reg known_2 [0:8191];
  reg enable_2;
  wire [17:0] out_2;
  DP16KD #(.DATA_WIDTH_A(2), .DATA_WIDTH_B(2)) u_2 (
    .CLKA(clk), .CLKB(clk), .CEA(1'b1), .CEB(1'b1), .WEA(enable_2), .WEB(1'b0), .RSTA(1'b0), .RSTB(1'b0),
    .ADA0(1'b0), .ADA1(write_2[0]), .ADA2(write_2[1]), .ADA3(write_2[2]), .ADA4(write_2[3]), .ADA5(write_2[4]),
      .ADA6(write_2[5]), .ADA7(write_2[6]), .ADA8(write_2[7]), .ADA9(write_2[8]), .ADA10(write_2[9]),
      .ADA11(write_2[10]), .ADA12(write_2[11]), .ADA13(write_2[12]),
    .ADB0(1'b0), .ADB1(read_2[0]), .ADB2(read_2[1]), .ADB3(read_2[2]), .ADB4(read_2[3]), .ADB5(read_2[4]),
      .ADB6(read_2[5]), .ADB7(read_2[6]), .ADB8(read_2[7]), .ADB9(read_2[8]), .ADB10(read_2[9]), .ADB11(read_2[10]),
      .ADB12(read_2[11]), .ADB13(read_2[12]),
    .DIA0(data_2[0]), .DIA1(data_2[1]), .DIA2(1'b0), .DIA3(1'b0), .DIA4(1'b0), .DIA5(1'b0), .DIA6(1'b0),
      .DIA7(1'b0), .DIA8(1'b0), .DIA9(1'b0), .DIA10(1'b0), .DIA11(1'b0), .DIA12(1'b0), .DIA13(1'b0), .DIA14(1'b0),
      .DIA15(1'b0), .DIA16(1'b0), .DIA17(1'b0),
    .DOB0(out_2[0]), .DOB1(out_2[1]), .DOB2(out_2[2]), .DOB3(out_2[3]), .DOB4(out_2[4]), .DOB5(out_2[5]),
      .DOB6(out_2[6]), .DOB7(out_2[7]), .DOB8(out_2[8]), .DOB9(out_2[9]), .DOB10(out_2[10]), .DOB11(out_2[11]),
      .DOB12(out_2[12]), .DOB13(out_2[13]), .DOB14(out_2[14]), .DOB15(out_2[15]), .DOB16(out_2[16]),
      .DOB17(out_2[17])
  );
  initial begin
    for (asked_2 = 0; asked_2 < 8191; asked_2 = asked_2 + 1) known_2[asked_2] = 0;
    repeat (6000) begin
      @(negedge clk);
      write_2 = $random; read_2 = $random; data_2 = $random; enable_2 = $random;
      if (($random & 1) == 0) read_2 = asked_2;
      if (read_2 == write_2) enable_2 = 0;
      @(posedge clk);
      #1;
      if (known_2[read_2]) begin
        compared = compared + 1;
        if (out_2[1:0] !== words_2[read_2]) differences = differences + 1;
      end
      if (enable_2) begin
        words_2[write_2] = data_2;
        known_2[write_2] = 1;
        asked_2 = write_2;
      end
    end
  end

  // 4 bits wide: port A writes, port B reads.
  reg [11:0] write_4, read_4, asked_4;
  reg [3:0] data_4, words_4 [0:4095];
  reg known_4 [0:4095];
  reg enable_4;
  wire [17:0] out_4;
  DP16KD #(.DATA_WIDTH_A(4), .DATA_WIDTH_B(4)) u_4 (
    .CLKA(clk), .CLKB(clk), .CEA(1'b1), .CEB(1'b1), .WEA(enable_4), .WEB(1'b0), .RSTA(1'b0), .RSTB(1'b0),
    .ADA0(1'b0), .ADA1(1'b0), .ADA2(write_4[0]), .ADA3(write_4[1]), .ADA4(write_4[2]), .ADA5(write_4[3]),
      .ADA6(write_4[4]), .ADA7(write_4[5]), .ADA8(write_4[6]), .ADA9(write_4[7]), .ADA10(write_4[8]),
      .ADA11(write_4[9]), .ADA12(write_4[10]), .ADA13(write_4[11]),
    .ADB0(1'b0), .ADB1(1'b0), .ADB2(read_4[0]), .ADB3(read_4[1]), .ADB4(read_4[2]), .ADB5(read_4[3]),
      .ADB6(read_4[4]), .ADB7(read_4[5]), .ADB8(read_4[6]), .ADB9(read_4[7]), .ADB10(read_4[8]), .ADB11(read_4[9]),
      .ADB12(read_4[10]), .ADB13(read_4[11]),
    .DIA0(data_4[0]), .DIA1(data_4[1]), .DIA2(data_4[2]), .DIA3(data_4[3]), .DIA4(1'b0), .DIA5(1'b0), .DIA6(1'b0),
      .DIA7(1'b0), .DIA8(1'b0), .DIA9(1'b0), .DIA10(1'b0), .DIA11(1'b0), .DIA12(1'b0), .DIA13(1'b0), .DIA14(1'b0),
      .DIA15(1'b0), .DIA16(1'b0), .DIA17(1'b0),
    .DOB0(out_4[0]), .DOB1(out_4[1]), .DOB2(out_4[2]), .DOB3(out_4[3]), .DOB4(out_4[4]), .DOB5(out_4[5]),
      .DOB6(out_4[6]), .DOB7(out_4[7]), .DOB8(out_4[8]), .DOB9(out_4[9]), .DOB10(out_4[10]), .DOB11(out_4[11]),
      .DOB12(out_4[12]), .DOB13(out_4[13]), .DOB14(out_4[14]), .DOB15(out_4[15]), .DOB16(out_4[16]),
      .DOB17(out_4[17])
  );
  initial begin
    for (asked_4 = 0; asked_4 < 4095; asked_4 = asked_4 + 1) known_4[asked_4] = 0;
    repeat (6000) begin
      @(negedge clk);
      write_4 = $random; read_4 = $random; data_4 = $random; enable_4 = $random;
      if (($random & 1) == 0) read_4 = asked_4;
      if (read_4 == write_4) enable_4 = 0;
      @(posedge clk);
      #1;
      if (known_4[read_4]) begin
        compared = compared + 1;
        if (out_4[3:0] !== words_4[read_4]) differences = differences + 1;
      end
      if (enable_4) begin
        words_4[write_4] = data_4;
        known_4[write_4] = 1;
        asked_4 = write_4;
      end
    end
  end

  // 9 bits wide: port A writes, port B reads.
  reg [10:0] write_9, read_9, asked_9;
  reg [8:0] data_9, words_9 [0:2047];
  reg known_9 [0:2047];
  reg enable_9;
  wire [17:0] out_9;
  DP16KD #(.DATA_WIDTH_A(9), .DATA_WIDTH_B(9)) u_9 (
    .CLKA(clk), .CLKB(clk), .CEA(1'b1), .CEB(1'b1), .WEA(enable_9), .WEB(1'b0), .RSTA(1'b0), .RSTB(1'b0),
    .ADA0(1'b0), .ADA1(1'b0), .ADA2(1'b0), .ADA3(write_9[0]), .ADA4(write_9[1]), .ADA5(write_9[2]),
      .ADA6(write_9[3]), .ADA7(write_9[4]), .ADA8(write_9[5]), .ADA9(write_9[6]), .ADA10(write_9[7]),
      .ADA11(write_9[8]), .ADA12(write_9[9]), .ADA13(write_9[10]),
    .ADB0(1'b0), .ADB1(1'b0), .ADB2(1'b0), .ADB3(read_9[0]), .ADB4(read_9[1]), .ADB5(read_9[2]), .ADB6(read_9[3]),
      .ADB7(read_9[4]), .ADB8(read_9[5]), .ADB9(read_9[6]), .ADB10(read_9[7]), .ADB11(read_9[8]), .ADB12(read_9[9]),
      .ADB13(read_9[10]),
    .DIA0(data_9[0]), .DIA1(data_9[1]), .DIA2(data_9[2]), .DIA3(data_9[3]), .DIA4(data_9[4]), .DIA5(data_9[5]),
      .DIA6(data_9[6]), .DIA7(data_9[7]), .DIA8(data_9[8]), .DIA9(1'b0), .DIA10(1'b0), .DIA11(1'b0), .DIA12(1'b0),
      .DIA13(1'b0), .DIA14(1'b0), .DIA15(1'b0), .DIA16(1'b0), .DIA17(1'b0),
    .DOB0(out_9[0]), .DOB1(out_9[1]), .DOB2(out_9[2]), .DOB3(out_9[3]), .DOB4(out_9[4]), .DOB5(out_9[5]),
      .DOB6(out_9[6]), .DOB7(out_9[7]), .DOB8(out_9[8]), .DOB9(out_9[9]), .DOB10(out_9[10]), .DOB11(out_9[11]),
      .DOB12(out_9[12]), .DOB13(out_9[13]), .DOB14(out_9[14]), .DOB15(out_9[15]), .DOB16(out_9[16]),
      .DOB17(out_9[17])
  );
  initial begin
    for (asked_9 = 0; asked_9 < 2047; asked_9 = asked_9 + 1) known_9[asked_9] = 0;
    repeat (6000) begin
      @(negedge clk);
      write_9 = $random; read_9 = $random; data_9 = $random; enable_9 = $random;
      if (($random & 1) == 0) read_9 = asked_9;
      if (read_9 == write_9) enable_9 = 0;
      @(posedge clk);
      #1;
      if (known_9[read_9]) begin
        compared = compared + 1;
        if (out_9[8:0] !== words_9[read_9]) differences = differences + 1;
      end
      if (enable_9) begin
        words_9[write_9] = data_9;
        known_9[write_9] = 1;
        asked_9 = write_9;
      end
    end
  end

  // 18 bits wide: port A writes, port B reads.
  reg [9:0] write_18, read_18, asked_18;
  reg [17:0] data_18, words_18 [0:1023];
  reg known_18 [0:1023];
  reg enable_18;
  wire [17:0] out_18;
  DP16KD #(.DATA_WIDTH_A(18), .DATA_WIDTH_B(18)) u_18 (
    .CLKA(clk), .CLKB(clk), .CEA(1'b1), .CEB(1'b1), .WEA(enable_18), .WEB(1'b0), .RSTA(1'b0), .RSTB(1'b0),
    .ADA0(1'b1), .ADA1(1'b1), .ADA2(1'b0), .ADA3(1'b0), .ADA4(write_18[0]), .ADA5(write_18[1]), .ADA6(write_18[2]),
      .ADA7(write_18[3]), .ADA8(write_18[4]), .ADA9(write_18[5]), .ADA10(write_18[6]), .ADA11(write_18[7]),
      .ADA12(write_18[8]), .ADA13(write_18[9]),
    .ADB0(1'b0), .ADB1(1'b0), .ADB2(1'b0), .ADB3(1'b0), .ADB4(read_18[0]), .ADB5(read_18[1]), .ADB6(read_18[2]),
      .ADB7(read_18[3]), .ADB8(read_18[4]), .ADB9(read_18[5]), .ADB10(read_18[6]), .ADB11(read_18[7]),
      .ADB12(read_18[8]), .ADB13(read_18[9]),
    .DIA0(data_18[0]), .DIA1(data_18[1]), .DIA2(data_18[2]), .DIA3(data_18[3]), .DIA4(data_18[4]),
      .DIA5(data_18[5]), .DIA6(data_18[6]), .DIA7(data_18[7]), .DIA8(data_18[8]), .DIA9(data_18[9]),
      .DIA10(data_18[10]), .DIA11(data_18[11]), .DIA12(data_18[12]), .DIA13(data_18[13]), .DIA14(data_18[14]),
      .DIA15(data_18[15]), .DIA16(data_18[16]), .DIA17(data_18[17]),
    .DOB0(out_18[0]), .DOB1(out_18[1]), .DOB2(out_18[2]), .DOB3(out_18[3]), .DOB4(out_18[4]), .DOB5(out_18[5]),
      .DOB6(out_18[6]), .DOB7(out_18[7]), .DOB8(out_18[8]), .DOB9(out_18[9]), .DOB10(out_18[10]),
      .DOB11(out_18[11]), .DOB12(out_18[12]), .DOB13(out_18[13]), .DOB14(out_18[14]), .DOB15(out_18[15]),
      .DOB16(out_18[16]), .DOB17(out_18[17])
  );
  initial begin
    for (asked_18 = 0; asked_18 < 1023; asked_18 = asked_18 + 1) known_18[asked_18] = 0;
    repeat (6000) begin
      @(negedge clk);
      write_18 = $random; read_18 = $random; data_18 = $random; enable_18 = $random;
      if (($random & 1) == 0) read_18 = asked_18;
      if (read_18 == write_18) enable_18 = 0;
      @(posedge clk);
      #1;
      if (known_18[read_18]) begin
        compared = compared + 1;
        if (out_18[17:0] !== words_18[read_18]) differences = differences + 1;
      end
      if (enable_18) begin
        words_18[write_18] = data_18;
        known_18[write_18] = 1;
        asked_18 = write_18;
      end
    end
  end

  // 36 bits wide, each nine bits with an enable of their own: port A writes, port B reads.
  reg [8:0] write_36, read_36, asked_36;
  reg [35:0] data_36, words_36 [0:511];
  reg known_36 [0:511];
  reg [3:0] enable_36;
  wire [35:0] out_36;
  integer i_36;
  DP16KD #(.DATA_WIDTH_A(36), .DATA_WIDTH_B(36)) u_36 (
    .CLKA(clk), .CLKB(clk), .CEA(1'b1), .CEB(1'b1), .WEA(1'b1), .WEB(1'b0), .RSTA(1'b0), .RSTB(1'b0),
    .ADA0(enable_36[0]), .ADA1(enable_36[1]), .ADA2(enable_36[2]), .ADA3(enable_36[3]), .ADA4(1'b0),
    .ADA5(write_36[0]), .ADA6(write_36[1]), .ADA7(write_36[2]), .ADA8(write_36[3]), .ADA9(write_36[4]),
    .ADA10(write_36[5]), .ADA11(write_36[6]), .ADA12(write_36[7]), .ADA13(write_36[8]),
    .ADB0(1'b0), .ADB1(1'b0), .ADB2(1'b0), .ADB3(1'b0), .ADB4(1'b0),
    .ADB5(read_36[0]), .ADB6(read_36[1]), .ADB7(read_36[2]), .ADB8(read_36[3]), .ADB9(read_36[4]), .ADB10(read_36[5]),
    .ADB11(read_36[6]), .ADB12(read_36[7]), .ADB13(read_36[8]),
    .DIA0(data_36[0]), .DIA1(data_36[1]), .DIA2(data_36[2]), .DIA3(data_36[3]), .DIA4(data_36[4]), .DIA5(data_36[5]),
    .DIA6(data_36[6]), .DIA7(data_36[7]), .DIA8(data_36[8]), .DIA9(data_36[9]), .DIA10(data_36[10]),
    .DIA11(data_36[11]), .DIA12(data_36[12]), .DIA13(data_36[13]), .DIA14(data_36[14]), .DIA15(data_36[15]),
    .DIA16(data_36[16]), .DIA17(data_36[17]),
    .DIB0(data_36[18]), .DIB1(data_36[19]), .DIB2(data_36[20]), .DIB3(data_36[21]), .DIB4(data_36[22]),
    .DIB5(data_36[23]), .DIB6(data_36[24]), .DIB7(data_36[25]), .DIB8(data_36[26]), .DIB9(data_36[27]),
    .DIB10(data_36[28]), .DIB11(data_36[29]), .DIB12(data_36[30]), .DIB13(data_36[31]), .DIB14(data_36[32]),
    .DIB15(data_36[33]), .DIB16(data_36[34]), .DIB17(data_36[35]),
    .DOA0(out_36[0]), .DOA1(out_36[1]), .DOA2(out_36[2]), .DOA3(out_36[3]), .DOA4(out_36[4]), .DOA5(out_36[5]),
    .DOA6(out_36[6]), .DOA7(out_36[7]), .DOA8(out_36[8]), .DOA9(out_36[9]), .DOA10(out_36[10]), .DOA11(out_36[11]),
    .DOA12(out_36[12]), .DOA13(out_36[13]), .DOA14(out_36[14]), .DOA15(out_36[15]), .DOA16(out_36[16]),
    .DOA17(out_36[17]),
    .DOB0(out_36[18]), .DOB1(out_36[19]), .DOB2(out_36[20]), .DOB3(out_36[21]), .DOB4(out_36[22]), .DOB5(out_36[23]),
    .DOB6(out_36[24]), .DOB7(out_36[25]), .DOB8(out_36[26]), .DOB9(out_36[27]), .DOB10(out_36[28]),
    .DOB11(out_36[29]), .DOB12(out_36[30]), .DOB13(out_36[31]), .DOB14(out_36[32]), .DOB15(out_36[33]),
    .DOB16(out_36[34]), .DOB17(out_36[35])
  );
  initial begin
    for (i_36 = 0; i_36 < 512; i_36 = i_36 + 1) known_36[i_36] = 0;
    asked_36 = 0;
    repeat (6000) begin
      @(negedge clk);
      write_36 = $random; read_36 = $random; data_36 = {$random, $random};
      if (($random & 1) == 0) read_36 = asked_36;
      // The first time all of it.
      enable_36 = known_36[write_36] ? $random : 4'hF;
      if (read_36 == write_36) enable_36 = 0;
      @(posedge clk);
      #1;
      if (known_36[read_36]) begin
        compared = compared + 1;
        if (out_36 !== words_36[read_36]) differences = differences + 1;
      end
      for (i_36 = 0; i_36 < 4; i_36 = i_36 + 1)
        if (enable_36[i_36]) words_36[write_36][9*i_36+:9] = data_36[9*i_36+:9];
      if (enable_36 != 0) begin
        known_36[write_36] = 1;
        asked_36 = write_36;
      end
    end
  end

  initial begin
    #200000;
    if (differences == 0 && compared > 25000) $display("PASS %0d", compared);
    else $display("FAIL %0d of %0d", differences, compared);
    $finish;
  end

endmodule

`default_nettype wire
