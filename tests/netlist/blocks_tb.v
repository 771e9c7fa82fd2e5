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

  // Memories of 1 to 18 bits. What they count is added up at the end.
  memory_tb #(.Width(1), .LowBits(0)) u_1 (.clk_i(clk));
  memory_tb #(.Width(2), .LowBits(1)) u_2 (.clk_i(clk));
  memory_tb #(.Width(4), .LowBits(2)) u_4 (.clk_i(clk));
  memory_tb #(.Width(9), .LowBits(3)) u_9 (.clk_i(clk));
  memory_tb #(.Width(18), .LowBits(4)) u_18 (.clk_i(clk));

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
    compared = compared + u_1.compared + u_2.compared + u_4.compared + u_9.compared + u_18.compared;
    differences = differences + u_1.differences + u_2.differences + u_4.differences + u_9.differences
                  + u_18.differences;
    if (differences == 0 && compared > 25000) $display("PASS %0d", compared);
    else $display("FAIL %0d of %0d", differences, compared);
    $finish;
  end

endmodule

// A memory of words of up to 18 bits: port A writes, port B reads.
module memory_tb #(
  parameter Width = 9,
  parameter LowBits = 3            // of the address, which choose no word
) (
  input wire clk_i
);
  localparam AddressWidth = 14 - LowBits;
  integer differences = 0, compared = 0;
  reg [AddressWidth-1:0] write, read, written;
  reg [17:0] data;
  reg [Width-1:0] words [0:(1<<AddressWidth)-1];
  reg known [0:(1<<AddressWidth)-1];
  reg enable;
  wire [17:0] out;
  wire [13:0] to = write << LowBits, from = read << LowBits;
  // In words of 18 bits the lowest two bits enable the halves of what port A writes.
  wire halves = (Width == 18);

  DP16KD #(.DATA_WIDTH_A(Width), .DATA_WIDTH_B(Width)) u_memory (
    .CLKA(clk_i), .CLKB(clk_i), .CEA(1'b1), .CEB(1'b1), .WEA(enable), .WEB(1'b0), .RSTA(1'b0), .RSTB(1'b0),
    .ADA0(to[0] || halves), .ADA1(to[1] || halves),
    .ADA2(to[2]), .ADA3(to[3]), .ADA4(to[4]), .ADA5(to[5]), .ADA6(to[6]), .ADA7(to[7]),
    .ADA8(to[8]), .ADA9(to[9]), .ADA10(to[10]), .ADA11(to[11]), .ADA12(to[12]), .ADA13(to[13]),
    .ADB0(from[0]), .ADB1(from[1]), .ADB2(from[2]), .ADB3(from[3]), .ADB4(from[4]), .ADB5(from[5]), .ADB6(from[6]),
    .ADB7(from[7]), .ADB8(from[8]), .ADB9(from[9]), .ADB10(from[10]), .ADB11(from[11]), .ADB12(from[12]),
    .ADB13(from[13]),
    .DIA0(data[0]), .DIA1(data[1]), .DIA2(data[2]), .DIA3(data[3]), .DIA4(data[4]), .DIA5(data[5]), .DIA6(data[6]),
    .DIA7(data[7]), .DIA8(data[8]), .DIA9(data[9]), .DIA10(data[10]), .DIA11(data[11]), .DIA12(data[12]),
    .DIA13(data[13]), .DIA14(data[14]), .DIA15(data[15]), .DIA16(data[16]), .DIA17(data[17]),
    .DOB0(out[0]), .DOB1(out[1]), .DOB2(out[2]), .DOB3(out[3]), .DOB4(out[4]), .DOB5(out[5]), .DOB6(out[6]),
    .DOB7(out[7]), .DOB8(out[8]), .DOB9(out[9]), .DOB10(out[10]), .DOB11(out[11]), .DOB12(out[12]),
    .DOB13(out[13]), .DOB14(out[14]), .DOB15(out[15]), .DOB16(out[16]), .DOB17(out[17])
  );

  initial begin
    written = 0;
    repeat (6000) begin
      @(negedge clk_i);
      write = $random; read = $random; data = $random; enable = $random;
      if (($random & 1) == 0) read = written;
      if (read == write) enable = 0;
      @(posedge clk_i);
      #1;
      if (known[read] === 1'b1) begin
        compared = compared + 1;
        if (out[Width-1:0] !== words[read]) differences = differences + 1;
      end
      if (enable) begin
        words[write] = data[Width-1:0];
        known[write] = 1;
        written = write;
      end
    end
  end

endmodule

`default_nettype wire
